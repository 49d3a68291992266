"""The limits of signing in: on passwords, codes and mails, for each account and each network."""

from __future__ import annotations

from datetime import timedelta

from daisychain.web.try_limits import Limit

# A password is tried from one network at one account; from everywhere, so that many networks can't share the guesses.
HERE, EVERYWHERE = Limit("sign-in here", 10), Limit("sign-in", 100)
NETWORK = Limit("network", 100)
# Six digits, of which three are right at a time: ten tries find one in 33,000 times.
CODE = Limit("code", 10)
# Who knows the password and tries codes for weeks would find one, at ten in each quarter of an hour.
CODES_A_DAY = Limit("codes of a day", 50, timedelta(days=1))
MAILS = Limit("mails", 5, timedelta(hours=1))
