"""An owner: the namespace of an organisation, on which roles can be given."""

from django.db import models
from pulpcore.plugin.models import AutoAddObjPermsMixin, BaseModel
from pulpcore.plugin.util import get_domain_pk


class CondaOwner(BaseModel, AutoAddObjPermsMixin):
    """An organisation that owns channels; a role on it is a role on all of them.

    A user's own namespace needs none. Where there is one of his name, the roles on it decide.
    With domains the owner is the domain, and roles on the domain do the same.
    """

    name = models.TextField()
    description = models.TextField(null=True)
    pulp_domain = models.ForeignKey("core.Domain", default=get_domain_pk, on_delete=models.PROTECT)

    class Meta:
        default_related_name = "%(app_label)s_%(model_name)s"
        unique_together = ("name", "pulp_domain")
        permissions = [
            ("upload_condaowner", "Can upload packages to the owner's channels"),
            ("modify_condaowner", "Can add and remove packages of the owner's channels"),
            ("create_condaowner", "Can create channels of the owner"),
            ("manage_roles_condaowner", "Can manage role assignments on owners"),
        ]
