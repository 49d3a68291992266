"""Segments of a list: questions as lines of a form and as text, with the number of people who fulfil them."""
