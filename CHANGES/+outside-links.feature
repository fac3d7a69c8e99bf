The setting `CONDA_OUTSIDE_LINKS` says whether packages with symbolic links that lead out of them are refused (the default),
or accepted with the trait `outside_links`. Below `info/`, where clients link nothing, such links are accepted.
