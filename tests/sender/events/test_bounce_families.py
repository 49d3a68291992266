"""Bounces and look-alikes of many mail systems are read by what they mean, whatever their format and language."""

# ruff: noqa: E501 (a case is easier to compare on one line)
from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from daisychain.database import Database
from sender.events.bounce_mailbox import read_mailbox
from sender.events.bounce_reports import read_bounce
from sender.tables import Delivery
from tests.fakes.imap import FakeMailbox
from tests.sender.events.test_bounce_cases import ANN, KEYS, PATHS
from tests.sender.events.test_bounce_reports import suppressed
from tests.sender.events.test_bounce_shapes import DAEMON, TO, arf, base64_of, dsn, free
from tests.sender.returns import sent

NULL = "Auto-Submitted: auto-replied\n"


def raw(text: str) -> bytes:
    """Make a whole mail of its text, with our return address in it."""
    return text.replace("{to}", TO).encode()


def block(
    fields: str, *, head: str = "multipart/report; report-type=delivery-status; boundary=B", human: str = "x"
) -> bytes:
    """Make a report with these fields about recipients."""
    return raw(
        f"Return-Path: <>\nFrom: {DAEMON}\nTo: {{to}}\nSubject: Undeliverable\nContent-Type: {head}\n\n--B\nContent-Type: text/plain\n\n{human}\n\n--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n\n{fields}\n--B--\n"
    )


# fmt: off
CASES = {
    # Google
    "gmail inactive": ("hard", dsn("5.2.1", "smtp; 550-5.2.1 The email account that you tried to reach is inactive. Learn more at\n 550 5.2.1 https://support.google.com/mail/?p=DisabledUser x-20020a17.1 - gsmtp")),
    "gmail over quota": ("soft", dsn("5.2.2", "smtp; 552-5.2.2 The recipient's inbox is out of storage space. Please direct the recipient to\n 552 5.2.2 https://support.google.com/mail/?p=OverQuotaPerm")),
    "gmail rate": ("soft", dsn("5.2.1", "smtp; 550-5.2.1 The user you are trying to contact is receiving mail at a rate that\n 550-5.2.1 prevents additional messages from being delivered.")),
    "gmail unauthenticated": ("soft", dsn("5.7.26", "smtp; 550-5.7.26 Your email has been blocked because the sender is unauthenticated.")),
    "gmail address not found": ("hard", dsn("5.1.1", "smtp; 550-5.1.1 The email account that you tried to reach does not exist. Please try\n 550-5.1.1 double-checking the recipient's email address for typos or\n 550 5.1.1 unnecessary spaces.", human="** Address not found **\nYour message wasn't delivered to ann@ex-a.org because the address couldn't be found, or is unable to receive mail.")),
    "gmail domain gone": ("hard", dsn("5.1.2", "smtp; DNS Error: DNS type 'mx' lookup of ex-a.org responded with code NXDOMAIN", human="** Address not found ** because the domain ex-a.org couldn't be found")),
    "gmail dns timed out": ("soft", dsn("4.4.1", "smtp; DNS Error: DNS type 'mx' lookup of ex-a.org timed out")),
    "gmail servfail final": ("soft", dsn("5.0.0", "smtp; DNS Error: DNS type 'mx' lookup of ex-a.org responded with code SERVFAIL")),
    "google group may not post": ("soft", dsn("5.7.1", "smtp; 550 5.7.1 We're writing to let you know that the group you tried to contact (ann) may not exist, or you may not have permission to post messages to the group.")),
    "google workspace suspended": ("soft", dsn("5.7.1", "smtp; 550 5.7.1 The user or domain that you are sending to (or from) has a policy that prohibited the mail that you sent.")),
    # Microsoft
    "exchange online not found": ("hard", dsn("5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ann@ex-a.org not found by SMTP address lookup")),
    "exchange online sender not allowed": ("soft", dsn("5.7.124", "smtp;550 5.7.124 RESOLVER.RST.SenderNotInAllowedSendersList; not in allowed-senders list")),
    "exchange online only internal": ("soft", dsn("5.7.134", "smtp;550 5.7.134 RESOLVER.RST.SenderNotAuthenticatedForMailbox; authentication required; Delivery restriction check failed because the sender was not authenticated when sending to this mailbox")),
    "exchange online routing loop": ("soft", dsn("5.4.14", "smtp;550 5.4.14 Hop count exceeded - possible mail loop ATTR34 [x.outlook.com]")),
    "exchange online dns failed": ("soft", dsn("5.4.312", "smtp;550 5.4.312 Message expired, DNS query failed(ErrorRetry)")),
    "exchange online expired, unknown host wording": ("soft", dsn("5.4.316", "smtp;550 5.4.316 Message expired, connection refused(Socket error code 10061)")),
    "exchange online queue expired": ("soft", dsn("5.4.300", "smtp;550 5.4.300 Message expired -> 451 4.7.500 Server busy")),
    "exchange online 5.1.90": ("soft", dsn("5.1.90", "smtp;550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients")),
    "exchange online bad outbound": ("soft", dsn("5.1.8", "smtp;550 5.1.8 Access denied, bad outbound sender AS(42004)")),
    "exchange online 5.7.708": ("soft", dsn("5.7.708", "smtp;550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.")),
    "exchange online dbeb of old": ("hard", dsn("5.4.1", "smtp;550 5.4.1 [ann@ex-a.org]: Recipient address rejected: Access denied")),
    "exchange online ambiguous": ("soft", dsn("5.1.4", "smtp;550 5.1.4 RESOLVER.ADR.Ambiguous; ambiguous address")),
    "exchange mailbox moved and full": ("soft", dsn("5.2.2", "smtp;554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded")),
    "exchange mailbox disabled": ("hard", dsn("5.2.1", "smtp;550 5.2.1 STOREDRV.Deliver: mailbox disabled")),
    "outlook.com account gone": ("hard", dsn("5.5.0", "smtp;550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [x.eop-nam.prod.protection.outlook.com]")),
    "outlook.com block": ("soft", dsn("5.7.1", "smtp;550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).")),
    "exchange 2003 free text": ("hard", free("Your message did not reach some or all of the intended recipients.\n\n      Subject:\tMay\n      Sent:\t1/5/2026 10:00\n\nThe following recipient(s) could not be reached:\n\n      ann@ex-a.org on 1/5/2026 10:01\n            The recipient name is not recognized\n            <mx.ex-a.org #5.1.1>", sender="System Administrator <postmaster@ex-a.org>", subject="Undeliverable: May")),
    "exchange of french staff": ("hard", dsn("5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound", subject="Non remis : Mai", human="Échec de la remise pour les destinataires suivants : ann@ex-a.org")),
    "exchange tells of a forward": ("soft", dsn("5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient old.ann@else.org not found by SMTP address lookup", final="rfc822;old.ann@else.org", extra="Original-Recipient: rfc822;ann@ex-a.org\n")),
    # Yahoo, AOL
    "yahoo mailbox disabled": ("hard", dsn("5.0.0", "smtp; 554 30 Sorry, your message to ann@ex-a.org cannot be delivered. This mailbox is disabled (554.30).")),
    "yahoo not found": ("hard", dsn("5.0.0", "smtp; 552 1 Requested mail action aborted, mailbox not found")),
    "yahoo 10": ("hard", dsn("5.0.0", "smtp; 554 10 delivery error: dd This user doesn't have a yahoo.com account (ann@ex-a.org) [0]")),
    "yahoo rate": ("soft", dsn("4.7.0", "smtp; 421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1", action="failed")),
    "yahoo policy": ("soft", dsn("5.7.9", "smtp; 554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes")),
    "aol block": ("soft", dsn("5.2.1", "smtp; 521 5.2.1 :  (DNS:B1) https://postmaster.aol.com/error-codes#521dnsb1")),
    # Exim, cPanel
    "exim callout of sender": ("soft", dsn("5.0.0", "smtp; 550-Verification failed for <news@mail.coalition.test>\n 550-The mail server does not recognise this user: no such user here\n 550 Sender verify failed")),
    "cpanel no such user": ("hard", dsn("5.0.0", "smtp; 550 No Such User Here")),
    "cpanel may not exist": ("soft", dsn("5.0.0", "smtp; 550-The mail server could not deliver mail to ann@ex-a.org.  The account or domain may not exist, they may be blacklisted, or missing the proper dns entries.")),
    "exim retry timeout": ("soft", free("A message that you sent could not be delivered to one or more of its recipients. This is a permanent error. The following address(es) failed:\n\n  ann@ex-a.org\n    host mx.ex-a.org [192.0.2.1]\n    retry timeout exceeded", more="X-Failed-Recipients: ann@ex-a.org\n" + NULL, subject="Mail delivery failed: returning message to sender")),
    "exim message too large": ("soft", free("A message that you sent could not be delivered.\n\n  ann@ex-a.org\n    SMTP error from remote mail server after MAIL FROM:<x@y.org> SIZE=9999:\n    552 5.3.4 Message size exceeds fixed limit", more="X-Failed-Recipients: ann@ex-a.org\n" + NULL, subject="Mail delivery failed: returning message to sender")),
    "exim pipe of a local user": ("soft", free("The following address(es) failed:\n\n  pipe to |/usr/bin/procmail\n    generated by ann@ex-a.org\n    local delivery failed: command not found", more="X-Failed-Recipients: ann@ex-a.org\n", subject="Mail delivery failed: returning message to sender")),
    "exim child address": ("soft", free("The following address(es) failed:\n\n  jane@else.org\n    (ultimately generated from ann@ex-a.org)\n    SMTP error from remote mail server after RCPT TO:<jane@else.org>:\n    550 5.1.1 User unknown", more="X-Failed-Recipients: jane@else.org\n", subject="Mail delivery failed: returning message to sender")),
    "exim policy at end of data": ("soft", free("  ann@ex-a.org\n    SMTP error from remote mail server after end of data:\n    550 This message was classified as SPAM and may not be delivered", more="X-Failed-Recipients: ann@ex-a.org\n", subject="Mail delivery failed")),
    # Postfix
    "postfix undeliverable address": ("hard", dsn("5.1.1", "smtp; 550 5.1.1 <ann@ex-a.org>: Recipient address rejected: undeliverable address: host mx.in said: 550 5.1.1 User unknown")),
    "postfix relay denied": ("soft", dsn("5.7.1", "smtp; 554 5.7.1 <ann@ex-a.org>: Relay access denied")),
    "postfix greylist final": ("soft", dsn("4.2.0", "smtp; 450 4.2.0 <ann@ex-a.org>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch")),
    "postfix loops": ("soft", dsn("5.4.6", "smtp; mail for ex-a.org loops back to myself")),
    "postfix tls": ("soft", dsn("4.7.5", "X-Postfix; Server certificate not trusted")),
    "postfix unknown local": ("hard", dsn("5.1.1", 'X-Postfix; unknown user: "ann"')),
    "postfix sender domain not found": ("soft", dsn("5.1.8", "smtp; 550 5.1.8 <news@mail.coalition.test>: Sender address rejected: Domain not found")),
    "postfix helo": ("soft", dsn("5.7.1", "smtp; 504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname")),
    "postfix reverse name": ("soft", dsn("5.7.25", "smtp; 550 5.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.1]")),
    "postfix null mx": ("hard", dsn("5.1.0", "smtp; Domain ex-a.org does not accept mail (nullMX)")),
    "postfix dovecot quota": ("soft", dsn("5.2.2", "x-unix; Quota exceeded (mailbox for user is full)")),
    "postfix bad relayhost": ("soft", dsn("5.4.4", "X-Postfix; Host or domain name not found. Name service error for name=smarthost.lan type=A: Host not found")),
    # qmail and its kin
    "qmail no such host": ("hard", free("Hi. This is the qmail-send program at mx.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<ann@ex-a.org>:\nSorry, I couldn't find any host named ex-a.org. (#5.1.2)\n")),
    "qmail in the queue too long": ("soft", free("Hi. This is the qmail-send program at mx.test.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<ann@ex-a.org>:\nSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\nI'm not going to try again; this message has been in the queue too long.\n")),
    "vpopmail": ("hard", free("Hi. This is the qmail-send program at mx.test.\n\n<ann@ex-a.org>:\nThis address no longer accepts mail.\n")),
    "vpopmail quota": ("soft", free("Hi. This is the qmail-send program at mx.test.\n\n<ann@ex-a.org>:\nuser does not exist, but will deliver to /home/vpopmail/quota\nThe users mailfolder is over the allowed quota (size). (#5.2.2)\n")),
    "qmail rcpthosts": ("soft", dsn("5.7.1", "smtp; 553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)")),
    "qmail chkuser": ("hard", dsn("5.1.1", "smtp; 511 sorry, no mailbox here by that name (#5.1.1 - chkuser)")),
    # Zimbra, Courier, Domino, GroupWise, MDaemon, sendmail
    "zimbra": ("hard", dsn("5.1.1", "smtp; 550 5.1.1 <ann@ex-a.org>: Recipient address rejected: ex-a.org")),
    "courier": ("hard", free("This is a delivery status notification from mx.test,\nrunning the Courier mail server, version 0.65.2.\n\nThe original message was received on Fri, 27 Nov 2026.\n\n---\n\n                           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n<ann@ex-a.org>:\n    mx.ex-a.org [192.0.2.1]:\n>>> RCPT TO:<ann@ex-a.org>\n<<< 550 User unknown.\n", sender='"Courier mail server at mx.test" <@mx.test>', subject="NOTICE: mail delivery status.")),
    "domino no route": ("soft", free("Your message\n\n  Subject: May\n\nwas not delivered to:\n\n  ann@ex-a.org\n\nbecause:\n\n  No route found to domain ex-a.org from server MX/EX. Check Server, Connection and Domain documents in Domino Directory.", sender="Postmaster@ex-a.org", subject="DELIVERY FAILURE: No route found to domain ex-a.org")),
    "groupwise": ("hard", free("The message that you sent was undeliverable to the following:\n\tann (user not found)\n", sender="System Administrator <postmaster@ex-a.org>", subject="Message status - undeliverable")),
    "mdaemon": ("hard", free("The attached message had PERMANENT fatal delivery errors!\n\nAfter one or more unsuccessful delivery attempts the attached message has\nbeen removed from the mail queue on this server.\n\nFailed address: ann@ex-a.org\n\n--- Session Transcript ---\n--> RCPT To:<ann@ex-a.org>\n<-- 550 5.1.1 Recipient unknown <ann@ex-a.org>\n--- End Transcript ---", sender="MDaemon@ex-a.org", subject="Permanent Delivery Failure")),
    "sendmail free text": ("hard", free("The original message was received at Fri, 27 Nov 2026 09:00:00 GMT\nfrom localhost [127.0.0.1]\n\n   ----- The following addresses had permanent fatal errors -----\n<ann@ex-a.org>\n    (reason: 550 5.1.1 <ann@ex-a.org>... User unknown)\n\n   ----- Transcript of session follows -----\n... while talking to mx.ex-a.org.:\n>>> DATA\n<<< 550 5.1.1 <ann@ex-a.org>... User unknown\n550 5.1.1 <ann@ex-a.org>... User unknown\n<<< 503 5.0.0 Need RCPT (recipient)\n", subject="Returned mail: see transcript for details")),
    "sendmail deferred": ("deferred", free("    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    **********************************************\n\n   ----- Transcript of session follows -----\nann@ex-a.org... Deferred: Connection timed out with mx.ex-a.org.\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n", subject="Warning: could not send message for past 4 hours")),
    "sendmail too old": ("soft", free("   ----- The following addresses had permanent fatal errors -----\n<ann@ex-a.org>\n    (reason: 451 4.4.1 timeout)\n\n   ----- Transcript of session follows -----\nMessage could not be delivered for 5 days\nMessage will be deleted from queue\n", subject="Returned mail: Cannot send message for 5 days")),
    # gateways
    "mimecast invalid": ("hard", dsn("5.0.0", "smtp; 550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550 [abcDEF]")),
    "mimecast poor reputation": ("soft", dsn("5.0.0", "smtp; 550 csi.mimecast.org Poor Reputation Sender. - https://community.mimecast.com/docs/DOC-1369#550")),
    "mimecast blocked sender": ("soft", dsn("5.0.0", "smtp; 550 Rejected by header based manually Blocked Senders - user@ex-a.org")),
    "mimecast greylist": ("soft", dsn("4.0.0", "smtp; 451 Internal resources are temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451")),
    "proofpoint unknown": ("hard", dsn("5.1.1", "smtp; 550 5.1.1 User Unknown")),
    "proofpoint dynamic reputation": ("soft", dsn("5.7.1", "smtp; 554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1")),
    "barracuda unknown": ("hard", dsn("5.1.1", "smtp; 550 permanent failure for one or more recipients (ann@ex-a.org:550 5.1.1 User unknown)")),
    "barracuda blocked": ("soft", dsn("5.0.0", "smtp; 550 permanent failure for one or more recipients (ann@ex-a.org:blocked)")),
    "sophos": ("hard", dsn("5.1.1", "smtp; 550 5.1.1 <ann@ex-a.org>: Recipient address rejected: Unknown recipient")),
    "sophos blocked": ("soft", dsn("5.1.1", "smtp; 554 5.1.1 SXL IP blocked: https://support.sophos.com")),
    "messagelabs": ("hard", dsn("5.0.0", "smtp; 550-Invalid recipient <ann@ex-a.org> (#5.1.1)")),
    "ironport": ("hard", dsn("5.1.0", "smtp; 550 #5.1.0 Address rejected. unknown user")),
    "ironport no reason": ("soft", dsn("5.1.0", "smtp; 550 #5.1.0 Address rejected.")),
    "trend micro dynamic ip": ("soft", dsn("5.7.1", "smtp; 550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using Trend Micro RBL+")),
    "cloudmark": ("soft", dsn("5.0.0", "smtp; 550 5.1.1 AUP#In-1310 Messages from your address are not accepted; sender rejected")),
    # national providers
    "gmx unknown": ("hard", dsn("5.0.0", "smtp; 550 Requested action not taken: mailbox unavailable")),
    "gmx of our dns": ("soft", dsn("5.0.0", "smtp; 550 Requested action not taken: mailbox unavailable. invalid DNS MX or A/AAAA resource record")),
    "gmx policy": ("soft", dsn("5.0.0", "smtp; 550-Requested action not taken: mailbox unavailable\n 550-Reject due to policy restrictions.\n 550 For explanation visit https://postmaster.gmx.net/en/case?c=hi")),
    "ionos": ("hard", free("Diese Mail wurde automatisch erstellt.\nIhre Nachricht konnte an einen oder mehrere Empfänger nicht zugestellt werden.\n\nann@ex-a.org:\nSMTP Fehler vom Remote-Mailserver nach RCPT:\n550 Unbekannter Empfänger\n\n--- The header of the original message is following. ---\n\nReceived: from x\nSubject: Mailbox full?", sender="Mail Delivery System <mailer-daemon@kundenserver.de>", subject="Mail delivery failed: returning message to sender")),
    "orange": ("hard", dsn("5.1.1", "smtp; 550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_418 [418]")),
    "orange slow down": ("soft", dsn("5.0.0", "smtp; 421 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_103 [103]")),
    "orange rejected": ("soft", dsn("5.2.0", "smtp; 550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]")),
    "free inactive": ("hard", dsn("5.2.1", "smtp; 550 5.2.1 This mailbox has been blocked due to inactivity (UserSearch)")),
    "laposte": ("hard", dsn("5.1.1", "smtp; 550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. LPN416_550")),
    "laposte refused": ("soft", dsn("5.5.0", "smtp; 550 5.5.0 Service refuse. Veuillez essayer plus tard. service refused, please try later. LPN007_510")),
    "libero": ("hard", dsn("5.1.1", "smtp; 550 RCPT TO:<ann@ex-a.org> User unknown")),
    "libero ip": ("soft", dsn("5.0.0", "smtp; 550 smtp-11.iol.local smtp-11.iol.local IP blacklisted by CSI. For remediation please use http://csi.cloudmark.com")),
    "seznam": ("hard", dsn("5.1.1", "smtp; 550 5.1.1 <ann@ex-a.org>: mailbox does not exist {mx.seznam.cz}")),
    "mail.ru": ("hard", dsn("5.0.0", "smtp; 550 Message was not accepted -- invalid mailbox. Local mailbox ann@ex-a.org is unavailable: user not found")),
    "mail.ru disabled": ("hard", dsn("5.0.0", "smtp; 550 Message was not accepted -- invalid mailbox. Local mailbox ann@ex-a.org is unavailable: account is disabled")),
    "mail.ru spam": ("soft", dsn("5.0.0", "smtp; 550 spam message rejected. Please visit http://help.mail.ru/notspam-support/id?c=abc")),
    "yandex": ("hard", dsn("5.7.1", "smtp; 550 5.7.1 No such user!")),
    "zoho": ("hard", dsn("5.1.1", "smtp; 550 5.1.1 User does not exist - <ann@ex-a.org>")),
    "zoho policy": ("soft", dsn("5.4.1", "smtp; 541 5.4.1 Mail rejected by destination domain")),
    "zoho relaying": ("soft", dsn("5.7.1", "smtp; 553 5.7.1 Relaying disallowed. Invalid Domain - ex-a.org")),
    "proton": ("hard", dsn("5.1.1", "smtp; 550 5.1.1 <ann@ex-a.org>: Recipient address rejected: Address does not exist")),
    "qq": ("soft", dsn("5.0.0", "smtp; 550 Mailbox unavailable or access denied [xyz]")),
    "163": ("hard", dsn("5.0.0", "smtp; 550 User not found: ann@ex-a.org")),
    "t-online tosa": ("soft", dsn("5.0.0", "smtp; 554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.)")),
    "virgin media": ("hard", dsn("5.1.1", "smtp; 550 5.1.1 Recipient address rejected: Unknown user (see https://help/codes#vm201)")),
    "talktalk suspended": ("soft", dsn("5.0.0", "smtp; 550 account temporarily suspended")),
    "japanese": ("hard", dsn("5.1.1", "smtp; 550 Unknown user ann@ex-a.org")),
    "docomo": ("hard", dsn("5.0.0", "smtp; 550 Unknown user <ann@ex-a.org>")),
    # policy, the sender, the way there: never about the address
    "not from you": ("soft", dsn("5.7.1", "smtp; 550 5.7.1 The recipient does not accept mail from you")),
    "mailbox not from outside": ("soft", dsn("5.7.1", "smtp; 550 5.7.1 This mailbox does not accept emails from external senders")),
    "no longer wants": ("soft", dsn("5.0.0", "smtp; 550 The recipient no longer wishes to receive messages from this list")),
    "no longer accepts from": ("soft", dsn("5.0.0", "smtp; 550 This address no longer accepts mail from bulk mailers")),
    "from unknown host": ("soft", dsn("5.0.0", "smtp; 550 Mail from unknown host rejected")),
    "mail from domain": ("soft", dsn("5.0.0", "smtp; 550 MAIL FROM domain does not exist")),
    "envelope domain": ("soft", dsn("5.0.0", "smtp; 550 The domain in the envelope from has no MX or A record: domain not found")),
    "return path": ("soft", dsn("5.0.0", "smtp; 550 Return-path address does not exist")),
    "from address": ("soft", dsn("5.0.0", "smtp; 550 From address is not valid: user unknown")),
    "expired message": ("soft", dsn("5.0.0", "smtp; 554 The message to this recipient has expired in the queue")),
    "expired, 5.4.7": ("soft", dsn("5.4.7", "smtp; 500 5.4.7 Delivery to the recipient expired (message too old), domain unreachable")),
    "not now": ("soft", dsn("5.0.0", "smtp; 550 User is currently not available, mailbox locked")),
    "locked": ("soft", dsn("5.0.0", "smtp; 550 Mailbox is locked by another process; not available right now")),
    "suspended": ("soft", dsn("5.0.0", "smtp; 550 This account has been suspended for a violation of our terms")),
    "german policy": ("soft", dsn("5.1.1", "smtp; 550 5.1.1 Ihre Nachricht wurde wegen unserer Richtlinien abgelehnt")),
    "german sender": ("soft", dsn("5.0.0", "smtp; 550 Die Absenderadresse existiert nicht")),
    "french sender": ("soft", dsn("5.0.0", "smtp; 550 L'adresse de l'expéditeur n'existe pas")),
    "spanish sender": ("soft", dsn("5.0.0", "smtp; 550 La dirección del remitente no existe")),
    "italian sender": ("soft", dsn("5.0.0", "smtp; 550 Il dominio del mittente non esiste: indirizzo sconosciuto")),
    "dutch sender": ("soft", dsn("5.0.0", "smtp; 550 Het adres van de afzender bestaat niet")),
    "german not authorised": ("soft", dsn("5.0.0", "smtp; 550 Empfänger nicht erreichbar: Server antwortet nicht, unbekannter Fehler")),
    "french blocked": ("soft", dsn("5.1.1", "smtp; 550 5.1.1 Votre adresse IP est sur liste noire, destinataire refusé")),
    "unknown error": ("soft", dsn("5.0.0", "smtp; 554 Unknown error for recipient")),
    "invalid command": ("soft", dsn("5.5.2", "smtp; 500 5.5.2 Unrecognized command; invalid address syntax in MAIL")),
    "invalid certificate": ("soft", dsn("5.7.5", "smtp; 554 5.7.5 invalid TLS certificate for the recipient domain")),
    "attachment": ("soft", dsn("5.0.0", "smtp; 554 The attachment is not valid for this recipient")),
    "5.1.1 for a complaint": ("soft", dsn("5.1.1", "smtp; 550 5.1.1 recipient has opted out of mail from this sender")),
    "5.1.1 for limits": ("soft", dsn("5.1.1", "smtp; 550 5.1.1 sending limit reached, recipient not accepted")),
    # the shape of reports
    "expanded": ("delivered", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: expanded\nStatus: 2.0.0\n\nFinal-Recipient: rfc822; jane@else.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n")),
    "delivered with a code": ("delivered", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: delivered\nStatus: 2.1.5\nDiagnostic-Code: smtp; 250 2.1.5 ok, room 550\n")),
    "two about us": ("hard", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: delayed\nStatus: 4.4.1\n\nFinal-Recipient: rfc822; ann@ex-a.org\nAction: failed\nStatus: 5.1.1\n")),
    "first another": ("hard", block("Final-Recipient: rfc822; jane@else.org\nAction: failed\nStatus: 5.2.2\n\nFinal-Recipient: rfc822; ann@ex-a.org\nAction: failed\nStatus: 5.1.1\n")),
    "another hard, ours full": ("soft", block("Final-Recipient: rfc822; jane@else.org\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; ann@ex-a.org\nAction: failed\nStatus: 5.2.2\n")),
    "another's words in a vague report": ("soft", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: failed\nStatus: 5.0.0\n", human="jane@else.org: user unknown\nann@ex-a.org: message rejected")),
    "action with a comment": ("hard", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: failed (bad address)\nStatus: 5.1.1\n")),
    "no action": ("hard", block("Final-Recipient: rfc822; ann@ex-a.org\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n")),
    "no action, delayed": ("deferred", block("Final-Recipient: rfc822; ann@ex-a.org\nStatus: 4.4.1\n")),
    "lower case fields": ("hard", block("final-recipient: RFC822; ANN@ex-a.org\naction: Failed\nstatus: 5.1.1\n")),
    "no boundary": ("hard", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: failed\nStatus: 5.1.1\n", head="multipart/report; report-type=delivery-status")),
    "wrong boundary": ("hard", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: failed\nStatus: 5.1.1\n", head="multipart/report; boundary=other")),
    "as plain text": ("hard", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: failed\nStatus: 5.1.1\n").replace(b"message/delivery-status", b"text/plain; name=report.txt")),
    "final recipient quoted": ("hard", block('Final-Recipient: rfc822; "ann"@ex-a.org\nAction: failed\nStatus: 5.1.1\n')),
    "final recipient in apostrophes": ("hard", block("Final-Recipient: rfc822; 'ann@ex-a.org'\nAction: failed\nStatus: 5.1.1\n")),
    "final recipient with a comment": ("hard", block("Final-Recipient: rfc822; ann@ex-a.org (Ann of else.org)\nAction: failed\nStatus: 5.1.1\n")),
    "final recipient in xtext": ("hard", block("Final-Recipient: rfc822; ann+40ex-a.org\nAction: failed\nStatus: 5.1.1\n")),
    "glued fields": ("hard", block("Original-Recipient: rfc822;ann@ex-a.org\nFinal-Recipient:rfc822;ann@ex-a.org\nAction:failed\nStatus:5.1.1\n")),
    "status with a version": ("soft", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 554 rejected by MailGate 5.1.1\n")),
    "status of nonsense": ("soft", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: failed\nStatus: 5.1\nDiagnostic-Code: smtp; 554 rejected\n")),
    "8 bit everywhere": ("hard", block("Final-Recipient: rfc822; ann@ex-a.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 Usuario desconocido (dirección)\n").replace(b"Subject: Undeliverable", "Subject: Não entregue: Olá".encode("latin-1"))),
    "bad base64": ("hard", free(base64_of("ann@ex-a.org: 550 5.1.1 User unknown").rstrip("=\n") + "\n--", cte="base64")),
    "text in utf-16": ("other", free("\0a\0n\0n", ct="text/plain; charset=utf-16")),
    "huge returned text": ("hard", free("ann@ex-a.org: 550 5.1.1 User unknown\n\n--- Below this line is a copy of the message.\n\n" + "The mailbox is full of policy. " * 5_000)),
    "newsletter below, no marker": ("soft", free("Your message could not be delivered.\n\nReceived: from mail.coalition.test\nSubject: May\n\nThe old website address no longer exists. No such user.\n")),
    "headers below, no marker": ("hard", free("ann@ex-a.org: User unknown\n\nReturn-Path: <news@mail.coalition.test>\nSubject: Spam policy: a full mailbox\n")),
    # free text
    "hard, then advice": ("hard", free("ann@ex-a.org\n550 5.1.1 User unknown\n\nPlease check the address and try again later, or contact them in another way.")),
    "hard code, then advice": ("hard", free("Delivery to the following address failed:\n\nann@ex-a.org: 550 No such user\n\nOur spam policy is at https://x.org/policy.")),
    "reason two lines below": ("hard", free("We could not deliver your mail to:\n\n   ann@ex-a.org\n\nReason:\n\n   The user is not known here.\n")),
    "the list of what may be": ("soft", free("We could not deliver your mail to ann@ex-a.org. Possible reasons: the mailbox does not exist, it is full, or your server is blocked.")),
    "delayed in spanish": ("deferred", free("Su mensaje para ann@ex-a.org aún no se ha entregado. Seguiremos intentándolo.", subject="Aviso de retraso")),
    "delayed in italian": ("deferred", free("Il messaggio per ann@ex-a.org non è ancora stato consegnato. Il server continuerà a provare.", subject="Ritardo")),
    "delayed in polish": ("deferred", free("Wiadomość do ann@ex-a.org nie została jeszcze dostarczona. Serwer będzie ponawiał próby.", subject="Opóźnienie dostarczenia")),
    "swedish": ("hard", free("Ditt meddelande kunde inte levereras.\nann@ex-a.org: mottagaren finns inte", subject="Kunde inte levereras")),
    "danish": ("hard", free("Din besked kunne ikke leveres.\nann@ex-a.org: brugeren findes ikke", subject="Ikke leveret")),
    "finnish": ("hard", free("Viestiä ei voitu toimittaa.\nann@ex-a.org: tuntematon vastaanottaja", subject="Toimitus epäonnistui")),
    "russian": ("hard", free("Сообщение не доставлено.\nann@ex-a.org: пользователь не найден", subject="Не доставлено")),
    "czech": ("hard", free("Zprávu se nepodařilo doručit.\nann@ex-a.org: uživatel neexistuje", subject="Nedoručitelná zpráva")),
    "hungarian": ("hard", free("Az üzenet nem kézbesíthető.\nann@ex-a.org: ismeretlen címzett", subject="Kézbesíthetetlen")),
    "turkish": ("hard", free("İletiniz teslim edilemedi.\nann@ex-a.org: kullanıcı bulunamadı", subject="Teslim edilemedi")),
    "portuguese full": ("soft", free("A entrega falhou. A caixa de correio de ann@ex-a.org está cheia.")),
    "polish full": ("soft", free("Nie można dostarczyć wiadomości do ann@ex-a.org: skrzynka jest pełna (5.1.1)")),
    "swedish full": ("soft", free("Kunde inte levereras till ann@ex-a.org: mottagarens brevlåda är full, 552")),
    "two addresses": ("soft", free("Hi. This is the qmail-send program.\n\n<ann@ex-a.org>:\nThe mailbox is full. (#5.2.2)\n\n<jane@else.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n")),
    "two addresses, ours last": ("hard", free("Hi. This is the qmail-send program.\n\n<jane@else.org>:\nThe mailbox is full. (#5.2.2)\n\n<ann@ex-a.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n")),
    "in apostrophes": ("hard", free("Failed to deliver to\n'ann@ex-a.org'\n550 5.1.1 unknown user")),
    # no bounces at all
    "postmaster on leave": ("other", free("I am away from 5.1.1 to 5.1.9. The old mailbox no longer exists.", sender="Postmaster <ann@ex-a.org>", subject="Away", more=NULL)),
    "mail@ answers": ("other", free("Thank you for your newsletter. Jane no longer works here; her mailbox is closed.", sender="Ex-A <mail@ex-a.org>", subject="May bulletin", rp="<mail@ex-a.org>")),
    "mail@ delays": ("other", free("Our reply is delayed. Jane's account is disabled.", sender="Ex-A <mail@ex-a.org>", subject="Delayed response", more=NULL)),
    "delay from a person": ("other", free("Sorry for the delay. I no longer work at Ex-A, this address is no longer valid.", sender="Ann <ann@ex-a.org>", subject="Delay in reply")),
    "left the organisation": ("other", free("Ann has left the organisation. This mailbox is no longer monitored; her address is not valid.", sender="Ann <ann@ex-a.org>", subject="Delivery of your mail has failed: Ann has left")),
    "server of the same name": ("other", free("Die Adresse ist nicht mehr gültig. Bitte wenden Sie sich an info@ex-a.org.", sender="Ann <ann@ex-a.org>", subject="Neue Adresse", more=NULL)),
    "zendesk": ("other", free("Your request (550511) has been received. User not found in our records: 550 5.1.1", sender="Support <support@ex-a.zendesk.com>", subject="Request #550511 received", more="Auto-Submitted: auto-generated\nX-Zendesk-From-Account-Id: abc\n")),
    "jira": ("other", free("Delivery failure of Jira: account not found, no such user 550", sender="jira@ex-a.atlassian.net", subject="[JIRA] (DEL-550) Delivery failure", more="X-JIRA-FingerPrint: abc\nAuto-Submitted: auto-generated\n")),
    "freshdesk": ("other", free("Hi, ticket 550 created. This email address is not registered with us.", sender="support@ex-a.freshdesk.com", subject="Ticket received - Mail delivery failed", more=NULL)),
    "mailman moderation": ("other", free("Your mail to 'Friends' with the subject May is being held until the list moderator can review it. Reason: Post by non-member; address is not registered.", sender="friends-bounces@lists.ex-a.org", subject="Your message to Friends awaits moderator approval", more="X-List-Administrivia: yes\nPrecedence: bulk\n" + NULL)),
    "boxbe": ("other", free("Your message is waiting: your address is not recognized.", sender="Ann (via boxbe) <ann@ex-a.org>", subject="May bulletin (Action Required)", more=NULL)),
    "spamarrest": ("other", free("Please verify yourself: user unknown.", sender="verify@spamarrest.com", subject="Re: May (verification required)", more=NULL)),
    "swedish leave": ("other", free("Jag är ledig till 5.1. Rum 550.", sender="Ann <ann@ex-a.org>", subject="Autosvar: Maj", more=NULL)),
    "polish leave": ("other", free("Jestem poza biurem. Adres nie istnieje. 550", sender="Ann <ann@ex-a.org>", subject="Odpowiedź automatyczna: Maj")),
    "read receipt": ("other", raw("Return-Path: <>\nFrom: Ann <ann@ex-a.org>\nTo: {to}\nSubject: Not read: May\nContent-Type: multipart/report; report-type=disposition-notification; boundary=Q\n\n--Q\nContent-Type: text/plain\n\ndeleted without being read, 550\n--Q\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ann@ex-a.org\nDisposition: automatic-action/MDN-sent-automatically; deleted\n\n--Q--\n")),
    "postmaster as a reader": ("other", free("This mailbox is no longer in use. 550", sender="postmaster@ex-a.org", subject="Out of office", more=NULL)),
    "phishing filter report": ("other", free("Your message was quarantined and awaits review. Nothing to do.", sender="Mail Delivery Filter <quarantine@ex-a.org>", subject="Quarantine digest", rp="<quarantine@ex-a.org>")),
    # feedback
    "feedback, miscategorized": ("other", arf("miscategorized")),
    "feedback, dmarc": ("other", arf("dmarc")),
    "feedback, opt-out-list": ("unsubscribed", arf("opt-out-list")),
    "feedback, ABUSE": ("complained", arf("ABUSE")),
    "feedback with a comment": ("complained", arf("abuse (spam)")),
    "microsoft jmrp": ("complained", raw("Return-Path: <staff@hotmail.com>\nFrom: staff@hotmail.com\nTo: fbl@coalition.test\nSubject: complaint about message from 192.0.2.1\nContent-Type: multipart/mixed; boundary=Q\n\n--Q\nContent-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: ann@ex-a.org\nReturn-Path: <{to}>\nSubject: May\n\nText\n--Q--\n")),
}
# fmt: on


@pytest.mark.parametrize("name", CASES)
def test_each_is_read_as_what_it_means(name: str) -> None:
    expected, mail = CASES[name]
    found = read_bounce(mail, KEYS, PATHS, datetime.now(UTC), lambda delivery_id: ANN)
    assert ((found.bounce or found.kind) if found else "other") == expected, mail.decode("utf-8", "replace")


def test_a_mailbox_with_some_of_each_kind_is_read_mail_by_mail(database: Database) -> None:
    # Of each kind every fifth, and the first.
    ranks: Counter[str] = Counter()
    cases = {}
    for name, case in CASES.items():
        if ranks[case[0]] % 5 == 0:
            cases[name] = case
        ranks[case[0]] += 1
    campaign = sent(database, people=len(cases), provider="smtp")
    with database.engine.begin() as connection:
        connection.execute(update(Delivery).values(address=ANN))
    returned = KEYS.returns([7])[0].encode()
    keys = campaign.keys.returns(campaign.deliveries)
    mails = [mail.replace(returned, key.encode()) for key, (_, mail) in zip(keys, cases.values(), strict=True)]
    with FakeMailbox(*mails) as mailbox:
        database.settings = replace(database.settings, imap_url=mailbox.url)
        counts = read_mailbox(database)
        flagged = [name for name, flags in zip(cases, mailbox.flags, strict=True) if "\\Flagged" in flags]
    assert (counts["new"], counts["unreadable"]) == (len(cases) - counts["other"], 0)
    assert flagged == [name for name, (expected, _) in cases.items() if expected == "other"]
    found = {each.delivery_id: each.bounce or each.kind for each in campaign.events()}
    told = [found.get(delivery_id, "other") for delivery_id in campaign.deliveries]
    assert told == [expected for expected, _ in cases.values()]
    assert set(suppressed(database)) == {ANN}
