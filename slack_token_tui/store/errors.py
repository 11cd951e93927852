"""Problems with saved data: profiles, files, directories, locks and the keyring."""

from __future__ import annotations

from slack_token_tui.problems import Problem


class StorageError(Problem):
    """Data could not be saved or loaded. Existing data is unchanged.

    Codes: ``store_…`` for the disk, ``keyring_…`` for the keyring, ``profile_name_…`` for a name that can't be used,
    ``app_unreadable`` and ``client_secret_gone`` for an app.
    """


class ProfileError(StorageError):
    """A profile or its directory can't be used, or no profile was selected.

    Codes: ``profile_…`` for a file, ``store_…`` for a directory; ``no_profiles``, ``profile_not_chosen`` and
    ``profile_not_found`` if no profile was selected. Facts: ``file``, ``name``, ``variable`` (the environment
    variable that the name comes from) and ``detail``, which never holds the contents of a file.
    """
