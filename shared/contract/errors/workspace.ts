import { catalogue } from './spec.ts'

/** The workspace: its folder, database, keys and lease. */
export const workspaceErrors = catalogue({
  'workspace.missing': {
    retry: 'never', exit: 5,
    title: 'There is no workspace here yet',
    happened: 'The folder holds no Waybill workspace.',
    todo: ['Create one with `waybill init`, or in the window with "Create workspace".', 'If you expected one, check the folder given with --workspace.'],
  },
  'workspace.exists': {
    retry: 'never', exit: 5,
    title: 'A workspace exists here already',
    happened: 'This folder already holds a workspace. Nothing was changed.',
    todo: ['Use it as it is, or choose another folder.'],
  },
  'workspace.locked': {
    retry: 'never', exit: 5,
    title: 'The workspace is locked',
    happened: 'The key is not in this computer\'s keychain and no recovery passphrase was given.',
    todo: ['Enter the recovery passphrase in the window.', 'On the command line set WAYBILL_PASSPHRASE_FILE (or WAYBILL_PASSPHRASE).'],
  },
  'workspace.wrong_passphrase': {
    retry: 'never', exit: 5,
    title: 'That passphrase does not open the workspace',
    happened: 'The recovery passphrase is not the one this workspace was created with. Nothing was changed.',
    todo: ['Check capital letters and the keyboard layout, then try again.', 'Look at the note you kept when the workspace was created.'],
  },
  'workspace.wrong_key': {
    retry: 'never', exit: 5,
    title: 'The stored key does not fit this workspace',
    happened: 'The keychain holds a key, but it does not open this workspace: the folder may have been replaced by another one.',
    todo: ['Give the recovery passphrase instead.', 'If the folder was restored from a backup, use the passphrase of that time.'],
  },
  'workspace.keychain_lost_key': {
    retry: 'never', exit: 5,
    title: 'The keychain no longer has the key',
    happened: 'A workspace exists, but the keychain of this computer has no key for it. Your data is intact.',
    todo: ['Give the recovery passphrase once; the key is then stored in the keychain again.'],
  },
  'workspace.keychain_unavailable': {
    retry: 'never', exit: 5,
    title: 'The keychain cannot be used',
    happened: 'The operating system\'s keychain did not answer, so the key can neither be stored nor read there.',
    todo: ['Give a recovery passphrase: Waybill works with it alone.', 'Unlock the keychain of your desktop session and start again to use it.'],
  },
  'workspace.passphrase_needed': {
    retry: 'never', exit: 5,
    title: 'A recovery passphrase is needed',
    happened: 'A workspace is created with a recovery passphrase of at least 10 characters, so that a lost keychain does not lose your records.',
    todo: ['Choose a passphrase and keep it outside this computer.', 'On the command line set WAYBILL_PASSPHRASE_FILE (or WAYBILL_PASSPHRASE).'],
  },
  'workspace.moving': {
    retry: 'backoff', exit: 5,
    title: 'The workspace is being moved to the new structure',
    happened: 'This version of Waybill keeps its records in another way, and the existing ones are being moved there, once. Until that is done nothing else works; it may be ended at any time and begins again at the next start.',
    todo: ['Wait until it is done; a million deliveries take a few minutes.', 'The old database stays beside the new one, in the folder before-update.'],
  },
  'workspace.in_use': {
    retry: 'backoff', exit: 5,
    title: 'Another process is using the workspace',
    happened: 'Only one process may own a workspace, and another one holds it and does not answer.',
    todo: ['Close the other Waybill (its process number is in the details), or wait until it has finished.'],
  },
  'workspace.elsewhere': {
    retry: 'backoff', exit: 5,
    title: 'Another computer is using the workspace',
    happened: 'Another computer wrote its mark into this workspace a moment ago. Two computers must not run the jobs of one workspace.',
    todo: ['Close Waybill on the other computer.', 'If that computer is gone for good, wait two minutes and start again.'],
  },
  'workspace.corrupt': {
    retry: 'never', exit: 5,
    title: 'The database is damaged',
    happened: 'The integrity check found damaged pages. Nothing was changed and nothing was repaired on its own.',
    todo: ['Copy the whole workspace folder to a safe place first.', 'Check the disk, then restore the last backup.'],
  },
  'workspace.newer': {
    retry: 'never', exit: 5,
    title: 'This workspace was made by a newer Waybill',
    happened: 'The database has a newer structure than this program knows. It was not touched.',
    todo: ['Update Waybill on this computer and open it again.'],
  },
  'workspace.disk_full': {
    retry: 'backoff', exit: 5,
    title: 'The disk is full',
    happened: 'There is no space left where the workspace lives. What was being written was rolled back.',
    todo: ['Free some space on that disk, then try again.'],
  },
  'workspace.read_only': {
    retry: 'never', exit: 5,
    title: 'The workspace folder cannot be written',
    happened: 'The folder or a file in it is read-only for this user.',
    todo: ['Give your user write permission on the workspace folder, or choose another folder.'],
  },
  'workspace.bad_folder': {
    retry: 'never', exit: 5,
    title: 'This folder cannot hold a workspace',
    happened: 'The path is not a folder, or its files are not those of a workspace.',
    todo: ['Choose an empty folder or an existing workspace.'],
  },
})
