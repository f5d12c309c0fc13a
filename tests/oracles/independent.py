"""Signatures made from the providers' documentation with the standard library only.

For providers without a package that verifies offline. Nothing of hookagent is used here: what these
few lines sign, hookagent must accept, and the other way round.
"""

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

KEY_HEX = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


def hexed(key: str, content: str, digest: str = "sha256") -> str:
    return hmac.new(key.encode(), content.encode(), digest).hexdigest()


def based(key: str, content: str, digest: str = "sha256") -> str:
    return base64.b64encode(hmac.new(key.encode(), content.encode(), digest).digest()).decode()


def hexed_with_hex_key(key: str, content: str, digest: str) -> str:
    return hmac.new(bytes.fromhex(key), content.encode(), digest).hexdigest()


@dataclass(frozen=True)
class Form:
    """How one provider signs: the headers, from the secret, the body and the time in seconds."""

    docs: str
    headers: Callable[[str, str, int], Mapping[str, str]]
    secret: str = KEY_HEX
    """Made up; its form is the provider's."""


def _digest_header(
    name: str, prefix: str = "", digest: str = "sha256"
) -> Callable[..., Mapping[str, str]]:
    return lambda key, body, _now: {name: prefix + hexed(key, body, digest)}


def _base64_header(name: str, digest: str = "sha256") -> Callable[..., Mapping[str, str]]:
    return lambda key, body, _now: {name: based(key, body, digest)}


def _bigcommerce(key: str, body: str, now: int) -> Mapping[str, str]:
    value = based(key, f"msg_fake.{now}.{body}")
    stamped = {"webhook-id": "msg_fake", "webhook-timestamp": str(now)}
    return {**stamped, "webhook-signature": f"v1,{value}"}


def _configcat(key: str, body: str, now: int) -> Mapping[str, str]:
    prefix = "X-ConfigCat-Webhook-"
    value = based(key, f"wh_fake{now}{body}")
    return {
        prefix + "ID": "wh_fake",
        prefix + "Timestamp": str(now),
        prefix + "Signature-V1": value,
    }


def _slack_like(prefix: str, version: str) -> Callable[..., Mapping[str, str]]:
    def headers(key: str, body: str, now: int) -> Mapping[str, str]:
        mac = hexed(key, f"v0:{now}:{body}")
        return {prefix + "Timestamp": str(now), prefix + "Signature": version + mac}

    return headers


def _statsig(key: str, body: str, now: int) -> Mapping[str, str]:
    stamp = str(now * 1000)
    return {
        "X-Statsig-Request-Timestamp": stamp,
        "X-Statsig-Signature": "v0=" + hexed(key, f"v0:{stamp}:{body}"),
    }


def _revolut(key: str, body: str, now: int) -> Mapping[str, str]:
    stamp = str(now * 1000)
    return {
        "Revolut-Request-Timestamp": stamp,
        "Revolut-Signature": "v1=" + hexed(key, f"v1.{stamp}.{body}"),
    }


def _webflow(key: str, body: str, now: int) -> Mapping[str, str]:
    stamp = str(now * 1000)
    return {"x-webflow-timestamp": stamp, "x-webflow-signature": hexed(key, f"{stamp}:{body}")}


def _front(key: str, body: str, now: int) -> Mapping[str, str]:
    stamp = str(now * 1000)
    return {"X-Front-Request-Timestamp": stamp, "X-Front-Signature": based(key, f"{stamp}:{body}")}


def _stamped(
    header: str, pattern: str = "t={now},v1={mac}", joint: str = "."
) -> Callable[..., Mapping[str, str]]:
    def headers(key: str, body: str, now: int) -> Mapping[str, str]:
        return {header: pattern.format(now=now, mac=hexed(key, f"{now}{joint}{body}"))}

    return headers


def _knock(key: str, body: str, now: int) -> Mapping[str, str]:
    stamp = now * 1000
    return {"x-knock-signature": f"t={stamp},s={based(key, f'{stamp}.{body}')}"}


FORMS: Mapping[str, Form] = {
    "ably": Form("https://ably.com/docs/platform/integrations/webhooks", _base64_header("X-Ably-Signature")),
    "aftership": Form("https://www.aftership.com/docs/tracking/webhook/webhook-signature", _base64_header("aftership-hmac-sha256")),
    "ashby": Form("https://developers.ashbyhq.com/docs/authenticating-webhooks", _digest_header("Ashby-Signature", "sha256=")),
    "attio": Form("https://docs.attio.com/rest-api/guides/webhooks", _digest_header("Attio-Signature")),
    "autodesk": Form("https://aps.autodesk.com/en/docs/webhooks/v1/developers_guide/callback-verification/", _digest_header("x-adsk-signature", "sha1hash=", "sha1")),
    "bigcommerce": Form("https://docs.bigcommerce.com/docs/integrations/webhooks", _bigcommerce),
    "bitbucket": Form("https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/", _digest_header("X-Hub-Signature", "sha256=")),
    "buildkite": Form("https://buildkite.com/docs/apis/webhooks/pipelines", _stamped("X-Buildkite-Signature", "timestamp={now},signature={mac}")),
    "cal-com": Form("https://cal.com/docs/developing/guides/automation/webhooks", _digest_header("X-Cal-Signature-256")),
    "calendly": Form("https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures", _stamped("Calendly-Webhook-Signature")),
    "checkr": Form("https://docs.checkr.com/#section/Webhooks", _digest_header("X-Checkr-Signature")),
    "clickup": Form("https://developer.clickup.com/docs/webhooksignature", _digest_header("X-Signature")),
    "configcat": Form("https://configcat.com/docs/advanced/notifications-webhooks/", _configcat),
    "customer-io": Form("https://docs.customer.io/journeys/webhooks/", _slack_like("X-CIO-", "")),
    "deel": Form("https://developer.deel.com/docs/webhooks-get-started", lambda key, body, _now: {"x-deel-signature": hexed(key, "POST" + body)}),
    "dub": Form("https://dub.co/docs/webhooks/verify-webhook-requests", _digest_header("Dub-Signature")),
    "dwolla": Form("https://developers.dwolla.com/docs/balance/webhooks/process-validate", _digest_header("X-Request-Signature-SHA-256")),
    "flexport": Form("https://apidocs.flexport.com/v2/tag/Webhook-Endpoints/", _digest_header("X-Hub-Signature-256", "sha256=")),
    "front": Form("https://dev.frontapp.com/docs/application-webhooks", _front),
    "help-scout": Form("https://developer.helpscout.com/webhooks/", _base64_header("X-HelpScout-Signature", "sha1")),
    "jira": Form("https://developer.atlassian.com/cloud/jira/platform/webhooks/", _digest_header("X-Hub-Signature", "sha256=")),
    "jobber": Form("https://developer.getjobber.com/docs/using_jobbers_api/setting_up_webhooks/", _base64_header("X-Jobber-Hmac-SHA256")),
    "knock": Form("https://docs.knock.app/developer-tools/outbound-webhooks/overview", _knock),
    "launchdarkly": Form("https://launchdarkly.com/docs/home/infrastructure/webhooks", _digest_header("X-LD-Signature")),
    "nylas": Form("https://developer.nylas.com/docs/v3/notifications/", _digest_header("X-Nylas-Signature")),
    "onfleet": Form("https://docs.onfleet.com/reference/secrets", lambda key, body, _now: {"X-Onfleet-Signature": hexed_with_hex_key(key, body, "sha512")}),
    "persona": Form("https://docs.withpersona.com/docs/webhooks-best-practices", _stamped("Persona-Signature")),
    "revolut": Form("https://developer.revolut.com/docs/guides/merchant/monitor-and-observe/webhooks/verify-the-payload-signature", _revolut),
    "rootly": Form("https://docs.rootly.com/configuration/webhooks", _stamped("X-Rootly-Signature", joint="")),
    "segment": Form("https://segment.com/docs/connections/destinations/catalog/actions-webhook/", _digest_header("X-Signature", "", "sha1")),
    "shippo": Form("https://docs.goshippo.com/tracking/webhook-security", _stamped("Shippo-Auth-Signature")),
    "squarespace": Form("https://developers.squarespace.com/webhooks/verifying-notifications", lambda key, body, _now: {"Squarespace-Signature": hexed_with_hex_key(key, body, "sha256")}),
    "statsig": Form("https://docs.statsig.com/integrations/event_webhook", _statsig),
    "tally": Form("https://tally.so/help/webhooks", _base64_header("Tally-Signature")),
    "webex": Form("https://developer.webex.com/messaging/docs/api/guides/webhooks", _digest_header("X-Spark-Signature", "", "sha1")),
    "webflow": Form("https://developers.webflow.com/data/docs/working-with-webhooks", _webflow),
}  # fmt: skip
"""By scheme."""
