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

# Parts

A channel of a million records must not serialise and compress them all because one was added. So
the names of a subdir are cut into *parts*, runs of names of about half a megabyte of text
(`parts`). The text that a part has in a section is compressed independently of all other text. RFC
8878 allows a frame that consists of such texts, and every decoder reads it
(`compression.PartEncoder`). The compressed variant of a document is one frame::

    header, with the size of the text
    {"info":{...},"packages":{
    section 0 of part 0 | , | section 0 of part 1 | , | section 0 of part 2
    },"packages.conda":{
    section 1 of part 0 | , | section 1 of part 1 | , | section 1 of part 2
    },"removed":[...]...}
    end

A name ends a part if a hash of it says so, or if the part has become too large, counted from its
own beginning. So equal packages have equal parts, whatever their history.

# The manifest

Each subdir of a publication has one more file, which clients never see: the *index manifest*
(`manifest`). It has the sizes of the parts in each section, and an *entry* of each name. The
entries of a part are compressed, and decoded only if one of them is needed::

    section 0 starts at byte 67 of its compressed document, section 1 at byte 931, ...

    part | last name | section 0: text, packed | section 1: text, packed | shards | entries
    -----+-----------+-------------------------+-------------------------+--------+--------
    0    | b         | 21, 25                  | 1311, 380               | a, b   | ...
    1    | k         |                         | 1620, 402               | c, k   | ...

    name | size in section 0 | size in section 1 | removed files | ...
    -----+-------------------+-------------------+---------------+----
    a    | 21                | 19                |               |
    b    |                   | 1291              | b-0-0.conda   |

Sizes are enough: a section is sorted by name, so positions are sums of sizes (and commas). An entry
also holds what `current_repodata.json` selects of its name, and who asks for that (`selection`).

# One merge

The next version adds `b-2-0.conda`. Only the packages of `b` are read from the database. Their
records become a new shard and new fragments (`shards`, `fragments`). The part of `b` is cut again
with its new entry, together with the parts after it until a part ends where one of the previous
index does (`update`). Then each document is merged (`merge`) while the previous one is read once
from front to back::

    previous .zst, section 1  | part 0    | , | part 1    | , | part 2    |
                                unpacked        ^ copied ^^^^^^^^^^^^^^^^^
    its text                  | a a a | , | b b b |
    fragment store                        | b b b b b |
    text of the new part 0    | a a a | , | b b b b b |
                                packed
    new .zst, section 1       | part 0      | , | part 1    | , | part 2    |

All sizes of texts are known before the first byte, as the header requires. `files.DocumentWriter`
hashes while it writes.

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
* `fragments`, `parts`, `manifest`: new fragments, the parts of an index and their entries, and the
  index manifest.
* `update`, `merge`: which parts change, and merging documents from previous parts and fragments.
* `sections`, `repodata`: the sections of documents, and the literal text between them.
* `candidates`, `current_repodata`, `selection`, `name_records`: which records are current.
* `channeldata`: the entries of `channeldata.json`.
* `patches`, `patch_instructions`: repodata patches, which change records while they are indexed,
  and reading and validating them.
* `garbage`: building without Python's garbage collector.
* `files`, `variants`: writing and hashing documents, and their variants.
* `empty`: the documents of subdirs without packages.
* `shard_files`: reading the names of files back out of a shard.
"""
