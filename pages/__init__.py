"""The front door for readers: public pages, without sessions or cookies.

Sign-in is not built yet: pages for people who sign in will be `desk/`, and who they are `accounts/`.
"""
