"""Tags: what each tool's own documentation, or else other people's code, has for it; a second pair of eyes on dialects.

Written down by hand from the sources that the dialects name, and not read from them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tags:
    """How a tool writes these things in a page; empty where it has none, or adds them by itself."""

    first_name: str = ""
    unsubscribe: str = ""
    view: str = ""
    address: str = ""

    @property
    def all(self) -> frozenset[str]:
        """Those that it has."""
        return frozenset(filter(None, (self.first_name, self.unsubscribe, self.view, self.address)))


# Of an address the part by which it is known; of a name what it is with "friend" for people without one.
TAGS = {
    "mailchimp": Tags("*|IF:FNAME|**|FNAME|**|ELSE:|*friend*|END:IF|*", "*|UNSUB|*", "*|ARCHIVE|*", "*|LIST:ADDRESS|*"),
    "brevo": Tags("{{ contact.FIRSTNAME|default:'friend' }}", "{{ unsubscribe }}", "{{ mirror }}"),
    "campaign-monitor": Tags("[firstname,fallback=friend]", "<unsubscribe>", "<webversion>"),
    "dotdigital": Tags("@FIRSTNAME@", "http://$UNSUB$", "http://$CANTREAD$"),
    "hubspot": Tags(
        "{{ personalization_token('contact.firstname', 'friend') }}", "{{ unsubscribe_link }}",
        "{{ view_as_page_url }}", "{{ site_settings.company_street_address_1 }}",
    ),
    "mailerlite": Tags("{$name|default('friend')}", "{$unsubscribe}", "{$url}"),
    "constant-contact": Tags('[[FIRSTNAME OR "friend"]]', "", "[[viewAsWebpage]]"),
    "activecampaign": Tags("%FIRSTNAME%", "%UNSUBSCRIBELINK%", "%WEBCOPY%", "%SENDER-INFO-SINGLELINE%"),
    "klaviyo": Tags(
        "{{ first_name|default:'friend' }}", "{% unsubscribe_link %}", "{% web_view_link %}",
        "{{ organization.full_address }}",
    ),
    "sendgrid": Tags(
        '{{insert first_name "default=friend"}}', "{{{unsubscribe}}}", "{{{weblink}}}", "{{Sender_Address}}",
    ),
    "mailjet": Tags('[[data:firstname:"friend"]]', "[[UNSUB_LINK_EN]]", "[[PERMALINK]]"),
    "postmark": Tags(
        "{{#first_name}}{{.}}{{/first_name}}{{^first_name}}friend{{/first_name}}", "{{{ pm:unsubscribe }}}",
    ),
    "beehiiv": Tags("", "{{unsubscribe_url}}"),
    "ghost": Tags('{first_name, "friend"}'),
    "outlook": Tags(),
    "plain": Tags(),
}  # fmt: skip
