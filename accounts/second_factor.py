"""The second factor: codes of an authenticator app, each taken once, and ten recovery codes."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from accounts.credentials import matching_step, new_totp_secret, sealed, unsealed
from accounts.limits import CODE, CODES_A_DAY
from accounts.secret_tokens import new_recovery_code, recovery_code_hash
from accounts.tables import RecoveryCode, StaffAccount
from daisychain.errors import InputError, StateError
from daisychain.settings import Settings
from daisychain.web.try_limits import forget_tries, within_limits

RECOVERY_CODES = 10
_WRONG = "That is not the code."
_HINT = "Wait for the app's next code. If codes never work, let the phone set its clock by the network."
TOO_MANY = "Too many tries."
TOO_MANY_HINT = "Wait a quarter of an hour, then try again. After very many tries it takes a day."


def offer_secret(settings: Settings) -> tuple[bytes, str]:
    """Return a new secret, and the same sealed as text: a form carries it until it is confirmed by a code."""
    secret = new_totp_secret()
    return secret, sealed(settings, secret).hex()


def offered_secret(settings: Settings, text: str) -> bytes:
    """Return the secret that was offered; raises InputError if `text` was not made by `offer_secret`."""
    try:
        secret = unsealed(settings, bytes.fromhex(text))
    except ValueError:
        secret = None
    if secret is None:
        raise InputError("The picture has changed.", hint="Scan the new one.")
    return secret


def set_up_factor(connection: Connection, settings: Settings, account_id: int, offered: str, code: str) -> list[str]:
    """Keep a second factor once its first code is right; returns new recovery codes, to be shown once.

    Raises InputError if the code is wrong.
    """
    secret = offered_secret(settings, offered)
    step = matching_step(secret, code, _seconds(connection))
    if step is None:
        raise InputError(_WRONG, hint=_HINT)
    kept = update(StaffAccount).where(StaffAccount.id == account_id)
    connection.execute(kept.values(totp_secret=sealed(settings, secret), totp_step=step))
    return renew_recovery_codes(connection, account_id)


def renew_recovery_codes(connection: Connection, account_id: int) -> list[str]:
    """Replace an account's recovery codes by ten new ones, to be shown once."""
    connection.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
    rows = [{"account_id": account_id, "code_hash": recovery_code_hash(account_id, code)} for code in codes]
    connection.execute(insert(RecoveryCode), rows)
    return codes


def count_recovery_codes(connection: Connection, account_id: int) -> int:
    """Return how many recovery codes are left."""
    left = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.account_id == account_id)
    return connection.execute(left).scalar_one()


def take_code(engine: Engine, settings: Settings, account_id: int, typed: str) -> None:
    """Use up a code of the app, or a recovery code; raises InputError if it is wrong or was used.

    In a transaction of its own: a code that was taken stays used, whatever the caller's comes to.
    """
    tries = (CODE, str(account_id)), (CODES_A_DAY, str(account_id))
    if not within_limits(engine, *tries):
        raise StateError(TOO_MANY, hint=TOO_MANY_HINT)
    with engine.begin() as connection:
        if not (
            _take_app_code(connection, settings, account_id, typed) or _take_recovery(connection, account_id, typed)
        ):
            raise InputError(_WRONG, hint=_HINT)
        forget_tries(connection, *tries)


def _take_app_code(connection: Connection, settings: Settings, account_id: int, typed: str) -> bool:
    stored = connection.scalar(select(StaffAccount.totp_secret).where(StaffAccount.id == account_id))
    secret = unsealed(settings, stored) if stored else None
    step = matching_step(secret, typed, _seconds(connection)) if secret else None
    if step is None:
        return False
    # A code that somebody looked at over a shoulder is worth nothing once it was used.
    used = update(StaffAccount).where(StaffAccount.id == account_id, StaffAccount.totp_step < step)
    return connection.execute(used.values(totp_step=step)).rowcount == 1


def _take_recovery(connection: Connection, account_id: int, typed: str) -> bool:
    hashed = recovery_code_hash(account_id, typed)
    used = delete(RecoveryCode).where(RecoveryCode.account_id == account_id, RecoveryCode.code_hash == hashed)
    return connection.execute(used).rowcount == 1


def remove_factor(connection: Connection, account_id: int) -> None:
    """Forget an account's second factor and recovery codes, so that a new one can be set up."""
    connection.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account_id))
    connection.execute(update(StaffAccount).where(StaffAccount.id == account_id).values(totp_secret=None))


def _seconds(connection: Connection) -> float:
    return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())
