"""Changes of channels: uploads become part of a version, and a version gets an index.

`registry`, `viewsets` and `tasks` call this package. It does not depend on the API that a request
came by.

# The flow of an upload

::

    request (an API process)
       |
       |  intake.ingest       stream the body to a file while hashing it, validate the archive,
       |                      save artifact, content unit, and a row that says what to change.
       v                      no lock, safe to repeat
    [ package, in no version yet ]
       |
       |  changes             take the channel's commit lock, start a task that holds the
       |                      repository; or wait for another's commit, and read the row's outcome
       v
    task (this process, or a worker)
       |
       |  changes             decide every waiting row of the channel: exists, quota, ...
       |  changes.versions    make ONE new version of all that is accepted
       |  index.publish         plan   what changed since the previous publication?
       |                        build  shards and documents of changed names, in a folder
       |                        save   shards, documents, publication
       |                      COMMIT: version, index and outcomes become visible together
       v
    [ 201: every client that asks now finds the package ]

Two ideas carry this.

* *A commit takes all that waits.* Any number of uploads can wait for the same channel. The request
  that gets the commit lock commits every waiting change in one version with one publication, so 500
  parallel uploads need a handful of versions.
* *One transaction makes everything visible.* Until it commits, clients see the previous index,
  which is complete in itself. A process that dies leaves at most saved packages that no version
  has, and orphan clean-up deletes these.

Removals wait in the same queue. Patches and changes over Pulp's REST API are tasks of their own,
which make a version and publish it.

# What clients are served

::

    CondaDistribution --> CondaRepository --> newest version with a complete publication
      (a URL)               (a channel)               |
                                                      +-- documents       PublishedArtifact
                                                      +-- shards          CondaShard, by digest
                                                      +-- packages        memberships of the version

`app/content` looks files up along these arrows. It calls nothing here that changes a channel.

# The rooms

Each may use those above it:

* `storage`: artifacts in Pulp's storage, disk space, and durability of transactions.
* `index`: publishing a version. `formats/index` explains how documents are built.
* `changes`: the commit lock, waiting changes, versions, quotas.
* `intake`: receiving, validating and saving packages and patches.
* `reading`: lists, pages and look-ups of what channels hold.
* `upkeep`: clean-up, and checks of indexes and files.
"""
