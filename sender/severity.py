"""Judges whether a refusal means that the address does not exist ("hard"), by its status (RFC 3463) and its wording.

Everything else is soft: a full mailbox, a rate limit, policy, spam filters, or something about the sender. Wording
outranks the status, as servers send 5.1.1 for policy too, and 5.7.1 for unknown users.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

# The mailbox or its domain does not exist; 5.4.310 is Microsoft's for a domain that does not exist.
_NO_MAILBOX = re.compile(r"5\.(1\.([1-3]|6|10)|2\.1|4\.(4|310))")
# About the mail or a full mailbox, whatever the wording.
_NOT_THE_ADDRESS = re.compile(r"[^5].*|5\.(2\.[2-4]|3\.4|4\.(6|14)|6\.\d+)")
# Microsoft's edge says this for an address that is not in the organisation's directory.
_MICROSOFT = re.compile(r"5\.4\.1\b.{0,40}recipient address rejected: access denied")
_BLOCKLIST = re.compile(r"spamhaus|spamcop|barracudacentral|\b(sorbs|surbl|uribl)\b")

_SOFT = re.compile(
    # full, too large, too fast, for now
    r"\bfull\b|quota|\bexceed|insufficient|out of (disk|space|storage)|too (large|big|many|fast|quickly|much)|"
    r"size limit|"
    r"\bat a rate|rate.?limit|throttl|temporar|\blater\b|found,? try again|timed? ?out|gr[ea]ylist|deferred|\bbusy\b|"
    r"voruberg|\bvoll\b|uberschritten|uberfull|plein[es]?\b|depasse|\blleno|\bllena|excedid|superad|\bpien[ao]\b|"
    r"\bcheia|"
    r"\bvol\b|llawn|dros dro|momentan|"
    # policy and spam
    r"\bspam|\bjunk|policy|policies|\bblock|blacklist|denylist|dnsbl|\brbl\b|(?<!not )\blisted (at|in|by|on)\b|"
    r"reputation|denied|"
    r"prohibit|not (permitted|allowed|authori[sz]ed)|unauthori|permission|authenticat|authrequired|\bspf\b|dkim|dmarc|"
    r"virus|malware|phish|suspicious|restricted|unsolicited|\bbulk\b|\bcontent|"
    r"relay(ing)? (access|denied|not)|"
    r"unreachable|not responding|connection|(server|service) (is |was )?(currently )?(not available|unavailable)|"
    # the sender or its server
    r"\b(helo|ehlo|ptr)\b|client host|reverse|\byour (ip|host|server|domain|network)|sending (ip|host|server|domain)|"
    r"sender('s)?( \S+){0,3} (rejected|refused|invalid|unknown|verif|not |does|is )|(invalid|unknown|bad|"
    r"unverified) sender|"
    r"sender verif|mail from (address )?(rejected|invalid)"
)

_NOT_FOR_US = re.compile(
    r"\brelay(ing|ed)?\b.{0,40}?\b(denied|not|prohibited|forbidden|rejected|refused|disabled|blocked)|"
    r"\b(unable|not|cannot|can't|won't|refus\w+|denied|permission) (\S+ )?(to )?relay|not a gateway|rcpthosts|"
    r"authentication (is )?required|must (be )?(first )?(authenticat|sign|log)|(client host|sender|helo)\b.{0,60}"
    r"(rejected|denied|blocked)"
)

_NOUN = (
    r"(users?|recipients?|mailbox(es)?|address(es)?|accounts?|person|usernames?|customer|alias|"
    r"empfanger|empfaenger|benutzer|adresse|postfach|konto|teilnehmer|mailadresse|"
    r"utilisateur|destinataire|boite|compte|usager|usuario|destinatario|direccion|buzon|cuenta|"
    r"utente|indirizzo|casella|utilizador|endereco|caixa|conta|"
    r"gebruiker|ontvanger|adres|postbus|postvak|defnyddiwr|derbynnydd|cyfeiriad|blwch post|"
    r"uzytkownik|odbiorca|adresat|skrzynka|anvandare|mottagaren?|adress\w*|bruger(en)?|modtager(en)?|mottaker(en)?|"
    r"пользователь|адрес|получатель|ящик)"
)
_UNKNOWN = (
    r"(unknown|invalid|no such|non-?existent|inactive|disabled|undeliverable|unroute?able|not a (known|valid)|"
    r"unbekannte?[rs]?|ungultige?[rs]?|inconnue?|inexistante?|inesistente|introuvable|desconocid[oa]|inexistente|"
    r"sconosciut[oa]|"
    r"desconhecid[oa]|onbekende?|ongeldige?|anhysbys|annilys|nieznany|okand|ukendt|ukjent|неизвестн\w*)"
)
_GONE = (
    rf"({_UNKNOWN}|no longer|does ?n[o']?t exist|does not exist|not exist|(\w*n't|not|cannot|never) (be )?found|"
    r"not (known|valid|listed|active|registered|recogni[sz]ed|our)|deactivated|de-activated|terminated|discontinued|"
    r"closed|deleted|(has|have) expired|unavailable|not available|"
    r"nicht (gefunden|bekannt|vorhanden)|existier\w* nicht|nicht (mehr )?(existier|gultig|aktiv|vergeben)|"
    r"deaktiviert|geloscht|gibt es nicht|n'existe|n'est (pas|plus)|invalide|desactive|ferme\b|supprime|"
    r"no existe|no (se )?(ha |pudo |fue )?(sido )?encontra|no (es )?valid|invalid[oa]|desactivad|deshabilitad|"
    r"non esiste|non (e )?(stat[oa] )?(trovat|valid)|disattivat|disabilitat|"
    r"nao existe|nao (foi )?encontrad|desativad|bestaat niet|niet (gevonden|bekend)|ddim yn bodoli|"
    r"nie istnieje|finns inte|findes ikke|finnes ikke|eksisterer ikke|не найден|не существует)"
)
_NO_MAILBOX_TEXT = re.compile(
    rf"\b{_NOUN}\b[^.;!?]{{0,50}}?\b{_GONE}|\b{_UNKNOWN}[^.;!?]{{0,25}}?\b{_NOUN}\b|"
    r"no mailbox|no account (by|with)|(does ?n[o']?t|does not) have an? (\S+ )?(account|mailbox)|"
    r"not a (valid )?(recipient|"
    r"customer)|\b(is|are) no longer (at|with|here|employed|working|valid|in use|active|available)|no longer works|"
    r"has left (the|our|this)|recip(ient)?notfound|nosuchuser|kein(e|en)? (solche[rs]? )?(postfach|benutzer|empfanger)|"
    r"nid yw.{0,40}yn bodoli|aucun (utilisateur|destinataire)|no (hay|existe) .{0,15}(usuario|buzon|destinatario)|"
    r"用户不存在|ユーザー?不明|"
    # the domain has no mail server (RFC 7505), or does not exist
    r"unroute?able|null ?mx|empty mx|no mx\b|does(n't| not) accept (any )?(e-?)?mail|nxdomain|non-?existent hosts?|"
    r"no such (domain|host)|\b(host|domain|dominio|domaine|domane)\b[^.;!?]{0,40}(unknown|not found|not exist|"
    r"n'existe|no existe|"
    r"unbekannt|nicht gefunden|inconnu)|unknown (mail )?(host|domain)"
)
_ADDRESSES = re.compile(r"\S+@\S+|https?://\S+|\[[^\]\s]*\]|\b(?:[\w-]+\.){2,}[a-z]{2,}\b")
# A status is one only beside a reply code, after a hash or a label: Mailsrv 2.8.28 and SmtpGate 4.25.1 are versions.
_STATUS = re.compile(
    r"(?<![\w.])[45]\d\d[ -]+\#?([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)|"
    r"(?:\#|[(\[:;=>]|\b(?:status|code|error|errors|fehler|erreur|dsn|said|response))[ \t]*\#?"
    r"([245]\.[0-7]\.\d{1,3})(?![\d.]*\d)",
    re.IGNORECASE,
)
_VERSION = re.compile(r"(version|release|build|\bver?)[\s.:=]*$", re.IGNORECASE)
# Likewise a reply code: rooms, prices and sizes are none.
_CODE = re.compile(
    r"(?:^|[:;>(\[#]|\b(?:said|error|code|reply|response|status|fehler|erreur))[ \t]{0,3}(?:smtp;? ?)?"
    r"(421|4[35]\d|5[0257]\d)(?=[ \t\-:)\],]|$)",
    re.IGNORECASE | re.MULTILINE,
)


def severity(status: str, text: str) -> Literal["hard", "soft"]:
    """Tell hard from soft by the enhanced status, if there is one, and the text of a refusal."""
    words = plain(text)
    if _NOT_THE_ADDRESS.fullmatch(status) if status else reply_code(text).startswith("4"):
        return "soft"
    if _MICROSOFT.search(f"{status} {words}"):
        return "hard"
    blocklist = _BLOCKLIST.search(words)
    words = " ".join(_ADDRESSES.sub(" ", words).split())
    if blocklist or _SOFT.search(words):
        return "soft"
    return "hard" if _NO_MAILBOX.fullmatch(status) or _NO_MAILBOX_TEXT.search(words) else "soft"


def is_gone(reply: str) -> bool:
    """Whether a relay's reply to a mail says that the address does not exist.

    A relay that answers 5.7 or "access denied" itself may mean us, so for it that is not enough, as it is in a report.
    """
    status = find_status(reply)
    if not re.match(r"5\d\d", reply) or status.startswith("5.7.") or "access denied" in reply.lower():
        return False
    return severity(status, reply) == "hard"


def is_about_us(reply: str) -> bool:
    """Whether a relay's refusal is about the sender: it relays nothing for us, or wants a sign-in."""
    return bool(re.match(r"5\d\d", reply) and _NOT_FOR_US.search(plain(reply)))


def find_status(text: str) -> str:
    """Return the first permanent enhanced status in a text, else the first temporary one, else ""."""
    found = [
        match[1] or match[2] for match in _STATUS.finditer(text) if not _VERSION.search(text[: match.start() + 1][-20:])
    ]
    return next((each for each in found if each[0] == "5"), found[0] if found else "")


def reply_code(text: str) -> str:
    """Return the first permanent SMTP reply code in a text, else the first temporary one, else ""."""
    found = _CODE.findall(text)
    return next((each for each in found if each[0] == "5"), found[0] if found else "")


def plain(text: str) -> str:
    """Return a text in lower case on one line, without accents, as the wordings are written."""
    folded = "".join(
        each for each in unicodedata.normalize("NFKD", text.replace("ß", "ss")) if not unicodedata.combining(each)
    )
    return " ".join(folded.lower().replace("\u2019", "'").split())
