"""A channel's index: every document that stands beside its packages."""

from pulpcore.plugin.models import AutoAddObjPermsMixin, Publication


class CondaPublication(Publication, AutoAddObjPermsMixin):
    """The documents of one version of a channel; all become visible at once."""

    TYPE = "conda"

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        permissions = [
            ("manage_roles_condapublication", "Can manage role assignments on conda publications"),
        ]
