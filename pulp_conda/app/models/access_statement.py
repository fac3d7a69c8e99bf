"""The SQL of `access_facts`: everything that decides who may do what to a channel.

It names pulpcore's tables of roles, and asks them as pulpcore's `ObjectRolePermissionBackend` does
and as Django's `ModelBackend` asks its own.
"""

from functools import cache
from typing import Any, cast

from django.contrib.auth import get_user_model
from django.db.models import Field
from pulpcore.plugin.models import Domain

from .distribution import CondaDistribution
from .guard import CondaContentGuard
from .owner import CondaOwner
from .repository import CondaRepository
from .rights import PERMISSIONS
from .rows import columns
from .token import AccessToken

# In steps, which PostgreSQL plans one by one: planning one join takes longer.
_SQL = """
WITH domain AS MATERIALIZED (
    SELECT {domain} FROM core_domain WHERE name = %(domain)s
), token AS MATERIALIZED (
    SELECT {token} FROM conda_accesstoken
     WHERE digest = %(digest)s AND (expires IS NULL OR expires > %(now)s)
       AND pulp_created > coalesce(%(oldest)s, '-infinity'::timestamptz)
), person AS MATERIALIZED (
    SELECT {person} FROM {users}
     WHERE is_active AND id = coalesce(
        (SELECT user_id FROM token), (SELECT id FROM {users} WHERE {username} = %(username)s))
), owner AS MATERIALIZED (
    SELECT {owner} FROM conda_condaowner
     WHERE upper(name) = upper(%(owner)s) AND pulp_domain_id = (SELECT pulp_id FROM domain)
), distribution AS MATERIALIZED (
    SELECT {distribution} FROM core_distribution
      JOIN conda_condadistribution ON distribution_ptr_id = pulp_id
     WHERE pulp_domain_id = (SELECT pulp_id FROM domain) AND base_path = ANY(coalesce(
        %(base_paths)s,
        ARRAY[coalesce((SELECT name FROM owner), %(owner)s) || '/' || %(below)s]))
     ORDER BY length(base_path) DESC LIMIT 1
), holder AS MATERIALIZED (
    SELECT {owner} FROM conda_condaowner WHERE pulp_id = (SELECT owner_id FROM distribution)
), served AS MATERIALIZED (
    SELECT coalesce(repository_id, (
        SELECT repository_id FROM core_repositoryversion WHERE pulp_id = coalesce(
            (SELECT repository_version_id FROM core_publication WHERE pulp_id = publication_id),
            distribution.repository_version_id)
        )) AS id FROM distribution
), repository AS MATERIALIZED (
    SELECT {repository} FROM core_repository
      JOIN conda_condarepository ON repository_ptr_id = pulp_id
     WHERE pulp_id = (SELECT id FROM served)
), guard AS MATERIALIZED (
    SELECT {guard} FROM core_contentguard
      JOIN conda_condacontentguard ON contentguard_ptr_id = pulp_id
     WHERE pulp_id = (SELECT content_guard_id FROM distribution)
), judged AS MATERIALIZED (
    SELECT id FROM person WHERE NOT is_superuser
), groups AS MATERIALIZED (
    SELECT group_id FROM auth_user_groups WHERE user_id = (SELECT id FROM judged)
), held AS MATERIALIZED (
    SELECT role_id, object_id, domain_id FROM core_userrole
     WHERE user_id = (SELECT id FROM judged)
     UNION ALL
    SELECT role_id, object_id, domain_id FROM core_grouprole
     WHERE group_id IN (SELECT group_id FROM groups)
), given AS MATERIALIZED (
    SELECT permission_id, object_id, domain_id::text
      FROM held JOIN core_role_permissions USING (role_id)
     WHERE object_id IS NULL AND domain_id IS NULL
        OR domain_id = (SELECT pulp_id FROM domain)
        OR object_id IN ((SELECT pulp_id::text FROM owner), (SELECT pulp_id::text FROM holder),
                         (SELECT pulp_id::text FROM repository))
     UNION
    SELECT permission_id, NULL, NULL FROM auth_user_user_permissions
     WHERE user_id = (SELECT id FROM judged)
     UNION
    SELECT permission_id, NULL, NULL FROM auth_group_permissions
     WHERE group_id IN (SELECT group_id FROM groups)
)
SELECT domain.*, token.*, person.*, owner.*, holder.*, distribution.*, repository.*, guard.*,
       ARRAY(SELECT ARRAY[coalesce(object_id, ''), coalesce(domain_id, ''), codename]
               FROM given
               JOIN auth_permission p ON p.id = permission_id
               JOIN django_content_type t ON t.id = content_type_id
              WHERE app_label = 'conda' AND codename IN ({codenames})),
       ARRAY(SELECT ARRAY[id::text, username] FROM {users}
              WHERE NOT EXISTS (SELECT FROM owner) AND upper(username) = upper(%(namesake)s)
              LIMIT 100),
       (SELECT statements FROM core_accesspolicy WHERE viewset_name = %(policy)s)
  FROM (VALUES (1)) AS always
  LEFT JOIN domain ON true
  LEFT JOIN token ON true
  LEFT JOIN person ON true
  LEFT JOIN owner ON true
  LEFT JOIN holder ON true
  LEFT JOIN distribution ON true
  LEFT JOIN repository ON true
  LEFT JOIN guard ON true
"""


@cache
def statement() -> str:
    """Return the statement, which has named parameters."""
    user = get_user_model()._meta
    codenames = ", ".join(f"'{each.partition('.')[2]}'" for each in sorted(PERMISSIONS))
    parts = {
        "domain": columns(Domain),
        "token": columns(AccessToken),
        "person": columns(get_user_model()),
        "owner": columns(CondaOwner),
        "distribution": columns(CondaDistribution),
        "repository": columns(CondaRepository),
        "guard": columns(CondaContentGuard),
        "users": user.db_table,
        "username": cast("Field[Any, Any]", user.get_field(get_user_model().USERNAME_FIELD)).column,
        "codenames": codenames,
    }
    return _SQL.format(**parts)
