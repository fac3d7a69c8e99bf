"""The index of a channel: every document that it serves beside its packages.

This package builds documents from packages. It knows no database and no server: packages come
through a protocol (`context.Packages`), and files and shards are returned.

# Documents, sections and fragments

conda clients read an index in two ways. Old clients download one JSON document with all records of
a subdir; new ones download a *shard index* and then the *shards* of the names that they need. Both
say the same::

    linux-64/repodata.json                       linux-64/repodata_shards.msgpack.zst

    {"info":{"subdir":"linux-64"},               {"info": {"subdir": "linux-64", ...},
     "packages":{                                 "shards": {
       "a-1-0.tar.bz2":{...}},                      "a": <SHA-256>, ---> shard of "a"
     "packages.conda":{                             "b": <SHA-256>, ---> shard of "b"
       "a-2-0.conda":{...},                         "c": <SHA-256>  ---> shard of "c"
       "b-1-0.conda":{...},                       }}
       "c-1-0.conda":{...}},
     "removed":[],"repodata_version":1}

A *fragment* is the text `"file name":value` of one file. A *section* is one JSON object of one
document, such as `packages.conda` of `repodata.json`: the fragments of all files, ordered by name
and file name, with commas between them (`sections.Section` lists them all). Whatever stands
between the sections is short literal text (`repodata`). So a document is::

    {"info":{...},"packages":{ <section 0> },"packages.conda":{ <section 1> },"removed":[...]...}

# The manifest

A channel of a million records must not serialise them all because one was added. So each subdir of
a publication has one more file, which clients never see: the *index manifest* (`manifest`). It
says where in the documents the fragments of each name are::

    section 0 starts at byte 42 of its document, section 1 at byte 83, ...

    name | size in section 0 | size in section 1 | shard    | removed files | ...
    -----+-------------------+-------------------+----------+---------------+----
    a    | 21                | 19                | 5f1c...  |               |
    b    |                   | 19                | 90ab...  | b-0-0.conda   |
    c    |                   | 19                | 77d2...  |               |

Sizes are enough: a section is sorted by name, so the position of a name is the sum of the sizes
(and commas) of the names before it. A manifest also holds what `current_repodata.json` selects of
each name (`current_repodata`), because any change may matter to that selection anywhere.

# One merge

The next version adds `b-2-0.conda`. Only the packages of `b` are read from the database. Their
records become a new shard and new fragments (`shards`, `fragments`). Then each document is merged
(`merge`): the text of unchanged names is copied from the previous document, which is read once
from front to back out of its `.zst` variant, and the fragments of changed names come from the
fragment store::

    previous section 1     | a a a a a a a | , | b b b b b | , | c c c c c c c |
                             ^ copied ^^^      dropped       ^ copied ^^^^
    fragment store                            | b b b b b b b b b |
                                                      |
    new section 1          | a a a a a a a | , | b b b b b b b b b | , | c c c c c c c |

`merge_spans` computes the spans to copy before anything is written: there are as many as there are
gaps between changes. So the size of the new document is known before its first byte, as the header
of its `.zst` variant requires. `files.DocumentWriter` compresses and hashes while it writes.

# Equal packages give equal bytes

Without a previous index, all names count as changed. The bytes are the same either way: keys are
sorted, names and files are in the order of their bytes, and times come from the packages and not
from the clock. So documents that did not change keep their ETags, and an index that was built from
a hundred previous ones can be checked against one that is built anew. What these bytes rest on
besides packages and options (the zstd library, for one) is named in `docs/dev/publication.md`.

# The modules

* `options`, `context`: which documents a channel has, and what is given to a build.
* `subdir`, `write_channeldata`: building the documents of a subdir, and of the channel's root.
* `shards`, `new_shards`: the records of one name in all their forms, the bytes of shards, and
  where these are kept until they are saved.
* `fragments`, `merge`, `manifest`: new fragments, merging them with a previous document, and the
  index manifest.
* `sections`, `repodata`: the sections of documents, and the literal text between them.
* `candidates`, `current_repodata`: which records are current.
* `channeldata`: the entries of `channeldata.json`.
* `patches`, `patch_instructions`: repodata patches, which change records while they are indexed,
  and reading and validating them.
* `files`: writing, hashing and compressing documents.
* `empty`: the documents of subdirs without packages.
* `shard_files`: reading the names of files back out of a shard.
"""
