import { catalogue } from './spec.ts'

/** Backups: sealed copies of the workspace. */
export const backupErrors = catalogue({
  'backup.not_one': {
    retry: 'never', exit: 2,
    title: 'This is not a backup of Waybill',
    happened: 'The file does not begin as a backup does. Nothing was changed.',
    todo: ['Choose the file that was written by `backup create`; its name usually ends in .waybill-backup.'],
  },
  'backup.damaged': {
    retry: 'never', exit: 3,
    title: 'The backup is not whole',
    happened: 'A piece of it was changed or is missing: the copy is incomplete, or its disk is failing. Nothing was restored from it.',
    todo: ['Try another copy of the same backup, or an older backup.', 'Make a new backup now if the workspace is still there.'],
  },
  'backup.failed': {
    retry: 'backoff', exit: 1,
    title: 'The backup could not be finished',
    happened: 'Something changed or could not be read while it was written. The unfinished file was removed.',
    todo: ['Try again.', 'If it fails again, run the self-test under Settings.'],
  },
})
