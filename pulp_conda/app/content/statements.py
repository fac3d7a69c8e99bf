"""The SQL of the look-ups (`lookup`): each statement is answered by indexes.

None loads a version, which holds an array of the ids of everything in it. `models/served.py` and
`models/membership.py` say in Django's language what is served and what a version holds;
`tests/database/test_lookup.py` checks that both agree.
"""

_CHANNEL = """
    SELECT pulp_id, base_path, checkpoint, content_guard_id,
           publication_id, repository_version_id, repository_id, owner_id
      FROM core_distribution
      JOIN conda_condadistribution ON distribution_ptr_id = pulp_id
     WHERE pulp_domain_id = %s AND {}
"""
# `top` and `top/sub` are two channels: the longest existing path is the channel.
CHANNEL_BY_PATHS = _CHANNEL.format("base_path = ANY(%s) ORDER BY length(base_path) DESC LIMIT 1")
# The name of an owner is found in any case. Django's `iexact` compares, and indexes, by `upper`.
CHANNEL_BY_OWNER = _CHANNEL.format("""base_path = (
        SELECT name FROM conda_condaowner WHERE pulp_domain_id = %s AND upper(name) = upper(%s)
     ) || '/' || %s""")

_INDEX = """
    SELECT p.pulp_id, v.repository_id, v.number, p.pulp_created
      FROM core_publication p
      JOIN core_repositoryversion v ON v.pulp_id = p.repository_version_id
     WHERE {}
     ORDER BY {} LIMIT 1
"""
INDEX_BY_PUBLICATION = _INDEX.format("p.pulp_id = %s", "p.pulp_created")
INDEX_BY_VERSION = _INDEX.format("p.complete AND v.pulp_id = %s", "p.pulp_created DESC")
INDEX_BY_REPOSITORY = _INDEX.format(
    "p.complete AND v.repository_id = %s", "v.number DESC, p.pulp_created DESC"
)
INDEX_BY_TIME = _INDEX.format(
    "p.complete AND p.checkpoint AND v.repository_id = %s AND p.pulp_created < %s",
    "p.pulp_created DESC",
)

DOCUMENT = """
    SELECT a.file, a.size, a.sha256, p.relative_path
      FROM core_publishedartifact p
      JOIN core_contentartifact c ON c.pulp_id = p.content_artifact_id
      JOIN core_artifact a ON a.pulp_id = c.artifact_id
     WHERE p.publication_id = %s AND p.relative_path = ANY(%s)
     ORDER BY length(p.relative_path) LIMIT 1
"""

# The options of empty documents, for a subdir that the publication does not have.
OPTIONS = """
    SELECT u.pulp_labels -> 'documents', u.pulp_labels -> 'bz2_max_bytes', r.pulp_created
      FROM core_publishedmetadata m
      JOIN core_content u ON u.pulp_id = m.content_ptr_id
     CROSS JOIN core_repository r
     WHERE m.publication_id = %s AND r.pulp_id = %s
       AND NOT EXISTS (SELECT FROM core_publishedartifact p
                        WHERE p.publication_id = m.publication_id AND p.relative_path = %s)
"""
OPTIONS_OF_REPOSITORY = """
    SELECT array_to_string(documents, ' '), %s, pulp_created
      FROM conda_condarepository JOIN core_repository ON pulp_id = repository_ptr_id
     WHERE pulp_id = %s
"""

# Clients act on an index that they fetched a while ago: what it named stays reachable.
_RECENTLY_SERVED = """
      FROM core_distributedpublication d
      JOIN core_publication p ON p.pulp_id = d.publication_id
      JOIN core_repositoryversion v ON v.pulp_id = p.repository_version_id
     WHERE d.distribution_id = %s AND (d.expires_at IS NULL OR d.expires_at >= now())
"""

# In steps, which PostgreSQL plans one by one: planning one join takes a millisecond more.
# `a.file` is null if the server has the record of a package and not its file.
_PACKAGE = """
    WITH chosen AS MATERIALIZED ({})
    SELECT a.file, coalesce(a.size, chosen.size), coalesce(nullif(chosen.sha256, ''), chosen.md5),
           (SELECT pulp_created FROM core_repositoryversion WHERE pulp_id = version_added_id),
           (SELECT immutable_names FROM conda_condarepository WHERE repository_ptr_id = %s),
           chosen.content_id, chosen.repository_id
      FROM chosen
      LEFT JOIN core_contentartifact c USING (content_id)
      LEFT JOIN core_artifact a ON a.pulp_id = c.artifact_id
"""
PACKAGE_EXISTS = """
    SELECT 1 FROM conda_condapackage u
     WHERE u._pulp_domain_id = %s AND u.subdir = %s AND u.filename = %s LIMIT 1
"""
_MEMBERSHIP = """
    SELECT m.content_id, u.size, u.sha256, u.md5, m.version_added_id, m.repository_id,
           (SELECT number FROM core_repositoryversion
             WHERE pulp_id = m.version_added_id) AS added,
           (SELECT number FROM core_repositoryversion
             WHERE pulp_id = m.version_removed_id) AS removed
      FROM conda_condapackage u
      JOIN core_repositorycontent m ON m.content_id = u.content_ptr_id
     WHERE u._pulp_domain_id = %s AND u.subdir = %s AND u.filename = %s
"""
PACKAGE_NAMED = _PACKAGE.format(f"""
    SELECT * FROM ({_MEMBERSHIP} AND m.repository_id = %s) s
     WHERE added <= %s AND coalesce(removed > %s, true)
""")  # noqa: S608 (of constants)
PACKAGE_RECENTLY_NAMED = _PACKAGE.format(f"""
    SELECT * FROM ({_MEMBERSHIP}) s
     WHERE EXISTS (
        SELECT 1 {_RECENTLY_SERVED}
           AND v.repository_id = s.repository_id AND v.number >= s.added
           AND coalesce(v.number < s.removed, true)
     ) AND NOT EXISTS (
        SELECT 1 FROM conda_withdrawal w
         WHERE w.subdir = %s AND w.filename = %s AND (
               w.repository_id = s.repository_id AND w.version >= s.added
            OR w.repository_id = %s AND w.repository_id <> s.repository_id
         )
     )
     ORDER BY s.added DESC LIMIT 1
""")  # noqa: S608 (of constants)

# Where the file of a package may be fetched: the newest look at an upstream first.
ORIGINS = """
    SELECT s.remote_id, s.files_url, r.policy
      FROM conda_syncedsubdir s JOIN core_remote r ON r.pulp_id = s.remote_id
     WHERE s.repository_id = %s AND s.subdir = %s
     ORDER BY s.checked DESC
"""
# For a package that a channel without such an upstream has from another channel.
ORIGINS_ELSEWHERE = """
    SELECT s.remote_id, s.files_url, r.policy
      FROM conda_syncedsubdir s JOIN core_remote r ON r.pulp_id = s.remote_id
     WHERE s.repository_id IN (SELECT repository_id FROM core_repositorycontent
                                WHERE content_id = %s)
       AND s.subdir = %s
     ORDER BY s.checked DESC
"""
# From where the file was fetched before it was reclaimed.
ORIGINS_KNOWN = """
    SELECT a.remote_id, a.url, r.policy
      FROM core_contentartifact c
      JOIN core_remoteartifact a ON a.content_artifact_id = c.pulp_id
      JOIN conda_condaremote o ON o.remote_ptr_id = a.remote_id
      JOIN core_remote r ON r.pulp_id = a.remote_id
     WHERE c.content_id = %s
     ORDER BY a.pulp_last_updated DESC
"""
STORED = """
    SELECT a.file, a.size
      FROM core_contentartifact c JOIN core_artifact a ON a.pulp_id = c.artifact_id
     WHERE c.content_id = %s
"""

_SHARD = """
    SELECT data FROM conda_condashard s
     WHERE subdir = %s AND digest = %s AND
"""
SHARD_NAMED = f"""
    {_SHARD} repository_id = %s AND added <= %s AND coalesce(removed > %s, true) LIMIT 1
"""
# The second half finds shards whose index was deleted: a repository may retain fewer versions
# than are made in a week.
SHARD_RECENTLY_NAMED = f"""
    ({_SHARD} repository_id IN (SELECT v.repository_id {_RECENTLY_SERVED}) AND EXISTS (
        SELECT 1 {_RECENTLY_SERVED}
           AND v.repository_id = s.repository_id AND v.number >= s.added
           AND coalesce(v.number < s.removed, true)
    ) LIMIT 1)
    UNION ALL
    ({_SHARD} repository_id = %s AND superseded >= %s LIMIT 1)
    LIMIT 1
"""
