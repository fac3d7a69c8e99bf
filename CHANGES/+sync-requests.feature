Added `POST repositories/conda/conda/ID/sync/`, and `remote`, `sync_mode` and `sync_interval` of repositories: channels are synced
from upstream channels. A repository has one sync at a time; a further request is refused (409) with the href of that task.
