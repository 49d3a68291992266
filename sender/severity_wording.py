"""The wordings of mail servers' refusals, in two dozen languages; matched against `sender.severity.plain`.

Lower case, without accents; "@" is any address. Real servers wrote most of these.
"""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


# Names that are removed before the rest is matched: of block lists, and of a relay's own next host, which can be no
# recipient's domain.
TELLING_NAME = _any(
    r"spamhaus|spamcop|barracudacentral|\b(sorbs|surbl|uribl)\b",
    r"\bname=([\w-]+|[^\s=]+\.(local|localdomain|lan|internal))( |$)",
)

NOT_THE_ADDRESS = _any(
    # full
    r"\bfull\b|quota|\bexceed|insufficient|out of (disk|space|storage)|\bspace\b|storage|\blimits?\b|\bsatur|\bvoll\b",
    r"uberschritten|uberfull|speicher|\bplatz\b|kontingent|plein[es]?\b|depasse|\bespac|\blleno|\bllena|excedid",
    r"superad",
    r"\bpien[ao]\b|spazio|\bcheia|\bvol\b|ruimte|\bful[dl]\b|\bpeln[ae]\b|\bpln[ay]\b|\btaynna|\bmegtelt|\bdolu\b",
    r"llawn",
    r"переполнен|已满|いっぱい|가득",
    # too large, too fast
    r"too (large|big|many|fast|quickly|much)",
    r"\b(zu|demasiado|trop|troppo|te|muito|for) (gro(ss|ot)|gro?s|grande?|stort?)\b",
    r"\bat a rate|rate.?limit|throttl|excessive|harvest",
    # for now
    r"temporar|\blater\b|found,? try again|timed? ?out|gr[ea]ylist|deferred|\bbusy\b|\bat (the|this) (moment|time)\b",
    r"\bat present\b|\bcurrently\b|right now|\blocked\b|read-?only|migrat|suspend|activated for|\bretry\b|queue period",
    r"(message|delivery|mail|queue)[^.;!?]{0,40} expired|after \d+ (tries|attempts)|voruberg|momentan|dros dro",
    # policy and spam
    r"\bspam|\bjunk|polic(y|ies)|\bblock(?!\w* (due to|for|because of) inactivity)|(black|deny) ?list|dnsbl|\brbl\b",
    r"(?<!not )\blisted (at|in|by|on|as)\b|reputation|denied|prohibit|not (permitted|allowed|authori[sz]ed)|unauthori",
    r"permission|\bauth|authenticat|\blogin\b|\bspf\b|dkim|dmarc|virus|malware|phish|suspicious|restricted|unsolicited",
    r"\bbulk\b|\bcontent|quarantin|go away|protocol|certificate|\btls\b|opted.?out|unsubscribed|not subscribed",
    r"preferences",
    r"user rules|closed (mailing )?(list|group)|(non-?|not a )member|this (group|list)|refuses|protected by",
    r"(user|he|she|recipient has) (has )?(rejected|blocked)|(accept|receiv|tak)(s|e|es|ing)? (\S+ ){0,3}(from|with)\b",
    r"richtlinie|politi(que|ca|k)|polityk|schwarze liste|liste noire|lista (negra|nera)|zwarte lijst|gesperrt",
    r"verweigert",
    r"verdacht|bloque|bloqui|bloccat|geblokkeerd|(acces|acceso|accesso|acesso|toegang) (re|de|ne|ge)|nicht erlaubt",
    r"von ihnen|souhaite pas|vos (messages|mails)",
    # the way there
    r"relay(ing)? (access|denied|not|host)|open (relay|proxy)|unable to relay|unreachable|not reachable",
    r"nicht erreichbar",
    r"not responding|connection|(server|service|system) (is |was )?(not available|unavailable)|\bloops?\b|config",
    r"gateway",
    r"transaction failed|can't create|could not load|\bmdb\b",
    # the sender or its server
    r"\b(helo|ehlo|ptr|rdns)\b|client host|reverse|dynamic ip|confirm this",
    r"(sending|sender|server) (ip|host|server|domain)",
    r"\byour (\S+ )?(ip|host\w*|server|mailer|domain|network|address|account|subscription|helo|provider|isp)\b",
    r"\bip (address|for)\b",
    r"sender('s)?( \S+){0,3} (rejected|refused|invalid|unknown|verif|not |does|is |has )",
    r"(invalid|unknown|bad|unverified) sender",
    r"sender (verif|address)|mail from:? ?(<|@|address|domain|host|sender|not|rejected|invalid)",
    r"\bfrom (an? |the )?(un|in)\w+ed\b",
    r"\bfrom (an? |the )?(unknown|invalid)|\bfrom[ -:]+(address|domain|host)|\benvelope\b|return[ -](path|address)",
    r"(in|from) (the |your )?from\b|\bheader|backscatter|callout|call-?back|verification (failed|failure)|for sending",
    r"(smtp|sending) account|responsible address|fully.qualified|(?<!not )invalid dns|\([a-z]{3}:[a-z]{1,2}\d\)",
    r"mismatch",
    r"absender|expediteur|emetteur|remitente|mittente|afzender|remetente|avsend|avsand|afsend|nadawc|отправител",
)  # fmt: skip

_NOUN = "|".join((
    r"users?|recipients?|addressee|mail ?box(es)?|address(es)?|accounts?|person|usernames?|customer|alias",
    r"local[- ]part",
    r"e?-?mail-?adres\w*|empf(a|ae)nger(adresse)?|benutzer|adresse|postfach|konto|teilnehmer|utilisateur|destinataire",
    r"boite|compte|usager|usuario|destinatario|direccion|buzon|cuenta|utente|indirizzo|casella|utilizador|endereco",
    r"caixa",
    r"conta|gebruiker|ontvanger|adres|postbus|postvak|defnyddiwr|derbynnydd|cyfeiriad|blwch post|uzytkownik|odbiorca",
    r"adresat|skrzynka|uzivatel|prijemce|schranka|cimzett|felhasznalo|postafiok|kullanici|alici|adresi|kayttaja|osoite",
    r"vastaanottaja|utilizatorul|destinatarul|anvandare|mottagaren?|adress\w*|bruger(en)?|modtager(en)?|mottaker(en)?",
    r"пользовател[ья]|адреса?|получател[ья]|ящика?",
))  # fmt: skip
_UNKNOWN = "|".join((
    r"unknown|invalid|no such|non-?existent|inactive|disabled|deactivated|undeliverable|unroute?able",
    r"not a (known|valid)",
    r"unbekannte?[rs]?|ungultige?[rs]?|inconnue?|inexistante?|inesistente|introuvable|desconocid[oa]|inexistente",
    r"sconosciut[oa]|desconhecid[oa]|onbekende?|ongeldige?|anhysbys|annilys|nieznany|okand|ukendt|ukjent|неизвест\w*",
    r"neznam[ay]|ismeretlen|bilinmeyen|tuntematon|necunoscut",
))  # fmt: skip
_MISSING = "|".join((
    rf"({_UNKNOWN})(?! (err|fehl|reason|problem|command|host))|no longer(?! (wish|want|monitor|support|respond))",
    r"does ?n[o']?t exist|does not exist|not exist|(\w*n't|not|cannot|never) (be )?found|inactivity|not present",
    r"not (known|valid|listed|active|registered|recogni[sz]ed|our)|de-?activated|terminated|discontinued|closed",
    r"deleted",
    r"(account|mailbox) (has|have) expired|unavailable|not available|nicht (gefunden|bekannt|vorhanden)",
    r"existier\w* nicht|nicht (mehr )?(existier|gultig|aktiv|vergeben)|deaktiviert|geloscht|gibt es nicht|n'existe",
    r"n'est (pas|plus)|invalide|desactive|ferme\b|supprime|no existe|no (se )?(ha |pudo |fue )?(sido )?encontra",
    r"no (es )?valid|invalid[oa]|desactivad|deshabilitad|non esiste|non (e )?(stat[oa] )?(trovat|valid)|disattivat",
    r"disabilitat|nao existe|nao (foi )?encontrad|desativad|bestaat niet|niet (gevonden|bekend)|ddim yn bodoli",
    r"nie istnieje|finns inte|findes ikke|finnes ikke|eksisterer ikke|не (наиден|существует)|neexistuje",
    r"nebyla? nalezen",
    r"nem (letezik|talalhato)|bulunamadi|mevcut degil|ei (ole olemassa|loydy)|nu exista",
))  # fmt: skip
# "Unknown error for recipient" and "invalid certificate of the user" say nothing about the address.
_NO_OTHER_THING = r"(?!(for|to|of|in|by|while)\b|err|fehl|command|certificat|server|host|reason|problem)"
_NOT_FOUND = r"((do ?n[o']t|do not|can ?n[o']t|could ?n[o']t|unable to|failed to) (have|find|locate|know|recogni[sz]e))"
NO_MAILBOX = _any(
    rf"\b({_NOUN})\b[^.;!?]{{0,50}}?\b({_MISSING})",
    rf"\b({_UNKNOWN})(?: {_NO_OTHER_THING}[^ .;!?]+){{0,3}}? ?\b({_NOUN})\b",
    rf"\b{_NOT_FOUND}(?: [^ .;!?]+){{0,3}}? ({_NOUN})\b(?!')",
    r"@ (was )?(not found|unknown|does ?n[o']t exist|does not exist)",
    r"\bno (mail ?box|(user|account|person|recipient|one) (by|with|at|named|called|of)\b)|nobody (by|at)\b",
    r"(does ?n[o']?t|does not) have an? (\S+ )?(account|mailbox)",
    r"not an? (\w+ ){0,2}(recipient|customer|user|address|mailbox)",
    r"not our customer|\b(is|are) no longer (at|with|here|employed|working|valid|in use|active|available)",
    r"no longer works",
    r"no longer an? (valid|active)|has left (the|our|this)|recip(ient)?notfound|nosuchuser",
    r"aucun (utilisateur|destinataire)",
    r"kein(e|en)? (solche[rs]? )?(postfach|benutzer|empfanger)",
    r"no (hay|existe) .{0,15}(usuario|buzon|destinatario|persona)",
    rf"brak (takiego|podanego) ({_NOUN}|\w+a\b)|нет такого ({_NOUN})|nid yw.{{0,40}}yn bodoli",
    r"(用户|收件人|邮箱|地址)不存在|未知用户|(ユーザー?|宛先)不明|존재하지 않는",
    # the domain has no mail server (RFC 7505), or does not exist
    r"unroute?able|null ?mx|empty mx|no mx\b|does(n't| not) accept (any )?(e-?)?mail(?! ?\w)|nxdomain",
    r"non-?existent hosts?",
    r"no such (domain|host)|unknown (mail )?(host|domain)|domain must exist|\b(host|domain|dominio|domaine|domane)\b"
    r"[^.;!?]{0,40}(unknown|not found|not exist|n'existe|no existe|unbekannt|nicht gefunden|inconnu)",
)  # fmt: skip
