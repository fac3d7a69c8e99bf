"""Serializer of remotes, the upstream channels."""

from typing import Any

from pulpcore.plugin.models import Remote
from pulpcore.plugin.serializers import RemoteSerializer
from rest_framework import serializers

from pulp_conda.app.models import (
    ACCEPT,
    AUTH_METHODS,
    DEFAULT_MAX_SHRINK,
    ON_REPLACED,
    CondaRemote,
)
from pulp_conda.formats.identifiers import KNOWN_SUBDIRS
from pulp_conda.formats.plain_text import is_plain
from pulp_conda.formats.upstream.specs import filter_fault

from .remote_checks import (
    check_certificates,
    check_secrets,
    checked_headers,
    checked_host,
    checked_proxy,
    checked_url,
)

_MOST_SPECS = 10_000
_MOST_BYTES = 2**63 - 1


def _seconds(help_text: str) -> serializers.FloatField:
    return serializers.FloatField(
        required=False, allow_null=True, min_value=0.001, max_value=1e6, help_text=help_text
    )


def _specs(help_text: str) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(), required=False, max_length=_MOST_SPECS, help_text=help_text
    )


class CondaRemoteSerializer(RemoteSerializer):
    """An upstream channel: where it is, how to ask for it, and what to take of it."""

    url = serializers.CharField(
        help_text=(
            "The URL of the channel, such as https://conda.example.org/conda-forge: the part "
            "before the subdir, without user name, password and token."
        )
    )
    policy = serializers.ChoiceField(
        choices=Remote.POLICY_CHOICES,
        default=Remote.IMMEDIATE,
        help_text=(
            "When package files are downloaded: with the sync (immediate), when the first client "
            "asks for them (on_demand), or each time that a client asks, without storing them "
            "(streamed)."
        ),
    )
    auth = serializers.ChoiceField(
        choices=AUTH_METHODS,
        required=False,
        help_text=(
            "How the upstream learns who asks: none; basic (username and password); bearer (token "
            "in the header Authorization); path_token (token in the path, as /t/TOKEN/ on "
            "anaconda.org); api_key (token in the header X-API-Key, as Quetz reads it). By default "
            "basic if there is a username, else none. Secrets go to the server of `url` only."
        ),
    )
    token = serializers.CharField(
        required=False,
        allow_null=True,
        write_only=True,
        max_length=4096,
        style={"input_type": "password"},
        help_text="The secret of bearer, path_token and api_key. It is stored encrypted.",
    )
    subdirs = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(KNOWN_SUBDIRS)),
        required=False,
        help_text=(
            "The subdirs to take, such as linux-64; noarch is always taken. Empty for all that "
            "the upstream has."
        ),
    )
    include = _specs(
        "MatchSpecs of the packages to take, such as 'numpy >=2' or 'r-*'; empty for all."
    )
    exclude = _specs("MatchSpecs of packages not to take, even if they are included.")
    newest = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=2**31 - 1,
        help_text="How many versions of each name to take, the newest ones; null for all.",
    )
    max_bytes = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=_MOST_BYTES,
        help_text="The size of the largest file to take, in bytes; null for no limit.",
    )
    licenses = _specs(
        "The licences, as records spell them, of the packages to take; empty for all. A package "
        "without a licence is then left out."
    )
    on_replaced = serializers.ChoiceField(
        choices=ON_REPLACED,
        default=ACCEPT,
        help_text=(
            "What a sync does with a file whose bytes changed under its name: it takes the new "
            "file (accept), or keeps the one that the channel has and reports the other (hold)."
        ),
    )
    max_shrink = serializers.IntegerField(
        default=DEFAULT_MAX_SHRINK,
        min_value=0,
        max_value=100,
        help_text=(
            "By how many percent a subdir may shrink in one sync. A sync that would remove more "
            "leaves the subdir as it is and reports that, unless it is forced."
        ),
    )
    trust_indexed = serializers.BooleanField(
        default=True,
        help_text=(
            "Whether the times at which the upstream says that it indexed a file "
            "(indexed_timestamp, CEP 47) are taken. Clients decide by them what is too new. "
            "Otherwise the time of the sync counts."
        ),
    )
    allowed_hosts = serializers.ListField(
        child=serializers.CharField(max_length=255),
        required=False,
        max_length=100,
        help_text=(
            "Further hosts that the upstream's documents may name for files and shards, such as "
            "that of a content delivery network. Secrets are never sent to them."
        ),
    )

    max_retries = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=100,
        help_text="How often a request that failed is repeated; null for 3 times.",
    )
    total_timeout = _seconds(
        "How many seconds a whole download may take. Null for no limit: large files take long, and "
        "sock_read_timeout ends downloads that stand still."
    )
    connect_timeout = _seconds(
        "How many seconds it may take to get a connection, with the time for which a free one is "
        "waited for; null for no limit."
    )
    sock_connect_timeout = _seconds(
        "How many seconds a new connection may take; null for 10 seconds."
    )
    sock_read_timeout = _seconds(
        "For how many seconds the upstream may send nothing; null for 30 seconds."
    )
    rate_limit = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=1_000_000,
        help_text=(
            "How many requests per second each process sends to the upstream; null for no limit."
        ),
    )
    headers = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField(allow_blank=True)),
        required=False,
        max_length=50,
        help_text=(
            "Further headers of the requests to the server of `url`. They are shown, so no secret "
            "may be in them."
        ),
    )

    def validate_url(self, url: str) -> str:
        """Refuse what is not the URL of a channel, or may not be asked."""
        return checked_url(url)

    def validate_proxy_url(self, value: str | None) -> str | None:
        """Refuse what is not the URL of a proxy, or may not be asked."""
        return checked_proxy(value)

    def validate_headers(self, value: list[dict[str, Any]]) -> list[dict[str, str]]:
        """Refuse headers that cannot be sent, or that are secrets."""
        return checked_headers(value)

    def validate_allowed_hosts(self, value: list[str]) -> list[str]:
        """Refuse what is not the name of a host."""
        return [checked_host(host) for host in value]

    def validate_subdirs(self, value: list[str]) -> list[str]:
        """Return each subdir once, in a fixed order, so that equal choices are equal."""
        return sorted(set(value))

    def validate_include(self, value: list[str]) -> list[str]:
        """Refuse what is not a MatchSpec."""
        return _checked_specs(value)

    def validate_exclude(self, value: list[str]) -> list[str]:
        """Refuse what is not a MatchSpec."""
        return _checked_specs(value)

    def validate_licenses(self, value: list[str]) -> list[str]:
        """Refuse text that no licence has."""
        for licence in value:
            if not is_plain(licence):
                raise serializers.ValidationError("A licence has no control characters.")
        return value

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Check fields that depend on each other."""
        data = super().validate(data)
        check_secrets(data, self.instance)
        check_certificates(data, self.instance)
        return data

    class Meta:
        model = CondaRemote
        fields = (
            *RemoteSerializer.Meta.fields,
            "auth",
            "token",
            "subdirs",
            "include",
            "exclude",
            "newest",
            "max_bytes",
            "licenses",
            "on_replaced",
            "max_shrink",
            "trust_indexed",
            "allowed_hosts",
        )


def _checked_specs(specs: list[str]) -> list[str]:
    for spec in specs:
        if fault := filter_fault(spec):
            raise serializers.ValidationError(f"{spec!r} cannot choose packages: {fault}.")
    return specs
