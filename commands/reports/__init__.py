"""Commands about reports: figures, comparison, trend, adoption, and handing them on."""
