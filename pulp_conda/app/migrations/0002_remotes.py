import django.contrib.postgres.fields
import django.db.models.deletion
import pulpcore.app.models.access_policy
import pulpcore.app.models.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conda", "0001_initial"),
        ("core", "0161_upstreampulp_remote_policy"),
    ]

    operations = [
        migrations.CreateModel(
            name="CondaRemote",
            fields=[
                (
                    "remote_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="core.remote",
                    ),
                ),
                ("auth", models.TextField(default="none")),
                ("token", pulpcore.app.models.fields.EncryptedTextField(null=True)),
                (
                    "subdirs",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                (
                    "include",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                (
                    "exclude",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("newest", models.PositiveIntegerField(null=True)),
                ("max_bytes", models.BigIntegerField(null=True)),
                (
                    "licenses",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("on_replaced", models.TextField(default="accept")),
                ("max_shrink", models.PositiveIntegerField(default=20)),
                ("trust_indexed", models.BooleanField(default=True)),
                (
                    "allowed_hosts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("manage_roles_condaremote", "Can manage role assignments on conda remotes")
                ],
                "default_related_name": "%(app_label)s_%(model_name)s",
            },
            bases=("core.remote", pulpcore.app.models.access_policy.AutoAddObjPermsMixin),
        ),
        migrations.AlterModelOptions(
            name="condarepository",
            options={
                "default_related_name": "%(app_label)s_%(model_name)s",
                "permissions": [
                    ("modify_condarepository", "Can modify content of the repository"),
                    ("upload_condarepository", "Can upload packages to the channel"),
                    ("sync_condarepository", "Can sync the channel from a remote"),
                    (
                        "manage_roles_condarepository",
                        "Can manage role assignments on conda repositories",
                    ),
                    ("repair_condarepository", "Can repair repository versions"),
                ],
            },
        ),
        migrations.AddField(
            model_name="condarepository",
            name="sync_interval",
            field=models.DurationField(null=True),
        ),
        migrations.AddField(
            model_name="condarepository",
            name="sync_due",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="condarepository",
            name="sync_mode",
            field=models.TextField(default="additive"),
        ),
        migrations.AlterField(
            model_name="condapackage",
            name="run_exports",
            field=models.JSONField(default=dict, null=True),
        ),
        migrations.CreateModel(
            name="SyncedSubdir",
            fields=[
                (
                    "id",
                    models.AutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subdir", models.CharField(max_length=32)),
                ("version", models.IntegerField()),
                ("document", models.TextField()),
                ("shards_refused", models.DateTimeField(null=True)),
                ("etag", models.TextField(default="")),
                ("last_modified", models.TextField(default="")),
                ("sha256", models.CharField(max_length=64)),
                ("created", models.DateTimeField(null=True)),
                ("files_url", models.TextField()),
                ("digests", models.BinaryField()),
                ("options", models.CharField(max_length=64)),
                ("exports_document", models.TextField(default="")),
                ("exports_etag", models.TextField(default="")),
                ("exports_sha256", models.CharField(default="", max_length=64)),
                ("checked", models.DateTimeField()),
                (
                    "remote",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="conda.condaremote"
                    ),
                ),
                (
                    "repository",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="conda.condarepository"
                    ),
                ),
            ],
            options={
                "default_related_name": "%(app_label)s_%(model_name)s",
                "unique_together": {("repository", "remote", "subdir")},
            },
        ),
        migrations.CreateModel(
            name="UpstreamFile",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("path", models.CharField(max_length=244)),
                ("digest", models.CharField(max_length=64)),
                ("holder", models.UUIDField()),
                ("lease_until", models.DateTimeField()),
                ("spool", models.CharField(max_length=36)),
                ("validator", models.TextField(default="")),
                ("status", models.CharField(default="fetching", max_length=11)),
                ("retry_at", models.DateTimeField(null=True)),
                (
                    "remote",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="conda.condaremote"
                    ),
                ),
            ],
            options={
                "default_related_name": "%(app_label)s_%(model_name)s",
                "unique_together": {("remote", "path", "digest")},
            },
        ),
    ]
