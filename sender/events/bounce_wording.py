"""Phrases by which mail systems, autoresponders and their mails say what they are, in a dozen languages.

All but `RETURNED` are matched against `sender.severity.plain`: lower case, without accents.
"""

from __future__ import annotations

import re

MAIL_SYSTEM = re.compile(
    r"mailer-?daemon|postmaster|mail-?daemon|mdaemon|mail(er)? (delivery|system|administrator)|delivery (sub)?system|"
    r"microsoftexchange|\bbounce-?(admin|robot)?@|\bmail-?(admin|robot)@|(internet )?mail delivery",
)
# The sender of Microsoft's Junk Mail Reporting Program, which returns a mail that its reader marked as junk.
MICROSOFT_FEEDBACK = "staff@hotmail.com"
# Autoresponders mark their mails (RFC 3834, and what was usual before it); a holiday reply or a ticket is no bounce.
MARKS = (
    "X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response-Suppress", "X-MS-Exchange-Inbox-Rules-Loop",
    "X-Vacation", "X-OTRS-Loop", "X-RT-Loop-Prevention", "X-Zendesk-Auto-Reply",
)  # fmt: skip
REPLY_SUBJECT = re.compile(
    r"^(re|aw|sv|vs|antw|antwort|fwd?|wg|tr|rv)\s*:|"
    r"auto(matic|matische|matisch|matisk|mated)?[- ]?(reply|response|answer|"
    r"antwort|antwoord|responder|svar)|out of (the )?office|\b(ooo|oof)\b|vacation|away from|on (annual |sick )?leave|"
    r"on holiday|abwesen|absence|absent|automatique|automatica\b|fuera de|fuori (sede|ufficio)|afwezig|awtomatig|"
    r"allan o'r swyddfa|ausente|ticket|\bcase (id|no|number|#)|\[[^\s#\[]*+#[^\s\d\[]*+\d|confirm|"
    r"thank you|verif(y|ication)"
)
BOUNCE_SUBJECT = re.compile(
    r"undeliver|not delivered|returned (mail|to sender)|returning message|failure|"
    r"delivery (status|notification|fail|has)|"
    r"delay|mail delivery|unzustellbar|nicht zugestellt|zustell|non remis|non distribu|echec|no entregad|no se pudo|"
    r"fallo|mancata consegna|nao entregue|onbestelbaar|niet bezorgd|heb ei ddanfon|niedostarcz|olever|ikke leveret"
)
DELAYED = re.compile(
    r"warning( message)? only|has not yet been delivered|not yet (been )?delivered|"
    r"still (being retried|trying|in the queue)|"
    r"(will|to) (continue|keep) |will be re-?tried|will (try|retry)|attempts will continue|\bdelayed\b|"
    r"noch nicht zugestellt|verzoger|weiterhin versucht|pas encore ete|retardee?\b|retrasad|aun no se ha|"
    r"jeszcze dostarcz|ponawia|in ritardo|non (e )?ancora stat|vertraagd|nog niet (bezorgd|afgeleverd)|atrasad|"
    r"wedi'i ohirio"
)
GAVE_UP = re.compile(
    r"given up|giving up|gave up|permanent|will not be (re-?tried|delivered)|no further|fatal|endgultig|definitiv|"
    r"aufgegeben"
)
NOT_DELIVERED = re.compile(
    r"reject|(could|can|was|has|is|were|did)( ?n[o']t|n't) (be |been )?(deliver|reach)|cannot be delivered|"
    r"undeliverable|"
    r"delivery (to .{0,80})?(has )?fail|failed to deliver|unable to deliver|nicht zugestellt|abgelehnt|unzustellbar|"
    r"(n'a pas pu|pas) etre (remis|distribu)|non (remis|distribu)|"
    r"entrega falh|falha na entrega|kun(de|ne) (inte|ikke) lever|ei voitu toimittaa|не (был\w* )?доставлен|"
    r"nepodarilo (se )?doruc|nem kezbesithet|teslim edilemedi|nie (mozna|udalo sie) dostarcz|"
    r"no se (pudo|ha podido) entregar|impossibile (consegnare|recapitare)|"
    r"non (e stato possibile )?consegn|nao (pode|foi) (ser )?entreg|niet (worden )?(bezorgd|afgeleverd)"
)
# Where the returned mail begins.
RETURNED = re.compile(
    r"(?mi)^[-_=* >]*(below this line|this is a copy|original[ -]?message|returned[ -]message|original(e )?nachricht|"
    r"ursprungliche nachricht|ursprüngliche nachricht|message d'origine|message original|mensaje original|"
    r"messaggio originale|mensagem original|oorspronkelijk bericht|neges wreiddiol|unsent message|"
    r"the header of the original)\b.*$|"
    r"^[> ]*(received|return-path|dkim-signature|mime-version|list-unsubscribe|x-daisychain-delivery):.*$"
)
