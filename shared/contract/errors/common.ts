import { catalogue } from './spec.ts'

/** What can go wrong in any call, and on the way between window and core. */
export const commonErrors = catalogue({
  'input.invalid': {
    retry: 'never', exit: 2,
    title: 'Something in the input is not valid',
    happened: 'A field is missing, has the wrong form or is not known. The message names it.',
    todo: ['Correct the field that is named and try again.'],
  },
  'input.not_found': {
    retry: 'never', exit: 2,
    title: 'There is nothing with that name',
    happened: 'No record has the name or number that was given.',
    todo: ['Check the spelling; the matching `list` command shows what exists.'],
  },
  'input.conflict': {
    retry: 'never', exit: 2,
    title: 'That does not fit the present state',
    happened: 'The record is in a state in which this cannot be done. Nothing was changed.',
    todo: ['Look at the record; its page says what can be done now.'],
  },
  'input.in_use': {
    retry: 'never', exit: 2,
    title: 'It is still in use',
    happened: 'Other records rely on it; the details list them. Nothing was changed.',
    todo: ['Remove or replace what relies on it first.'],
  },
  'input.unreadable': {
    retry: 'never', exit: 2,
    title: 'The file cannot be read',
    happened: 'The file does not exist, is a folder, or may not be read by this user.',
    todo: ['Check the path and the permissions, then try again.'],
  },
  'input.unwritable': {
    retry: 'never', exit: 2,
    title: 'The file cannot be written',
    happened: 'The folder does not exist or is full, or this user may not write there. Nothing was left behind.',
    todo: ['Choose another name or folder, then try again.'],
  },
  'call.unknown_method': {
    retry: 'never', exit: 2,
    title: 'This program does not know that call',
    happened: 'Window and core are of different versions, or the request was malformed.',
    todo: ['Close every Waybill window and start it again.'],
  },
  'call.refused': {
    retry: 'never', exit: 4,
    title: 'The request was refused',
    happened: 'The sender of the request is not allowed to make it. It was logged.',
    todo: ['Open the window again with a fresh address from Waybill.'],
  },
  'call.too_large': {
    retry: 'never', exit: 2,
    title: 'The request or its answer is too large',
    happened: 'One message between the window and the background process may hold 1 MiB, an answer 8 MiB. Nothing was done.',
    todo: ['Ask for fewer rows, or hand over fewer files at once.', 'If it was a document, check that it is the one you meant.'],
  },
  'call.too_many': {
    retry: 'backoff', exit: 1,
    title: 'Too many requests at once',
    happened: 'One window or program has more requests under way than the background process takes. This request was not started.',
    todo: ['Wait until some of them have finished, then try again.'],
  },
  'call.cancelled': {
    retry: 'never', exit: 1,
    title: 'Cancelled',
    happened: 'The action was cancelled before it had finished.',
    todo: ['Start it again when you want to.'],
  },
  'call.timed_out': {
    retry: 'backoff', exit: 3,
    title: 'No answer from the core',
    happened: 'The background process did not answer in time; the action may still be going on.',
    todo: ['Look at the deliveries list before doing it again.'],
  },
  'call.disconnected': {
    retry: 'now', exit: 3,
    title: 'The background process went away',
    happened: 'The connection to the background process broke: it ended, or was ended. What was under way is written down, and goes on when it runs again.',
    todo: ['In the window, wait a moment: it is started again. A service is started with `waybill serve`.', 'Look at the deliveries list before doing it again.'],
  },
  'internal.unexpected': {
    retry: 'never', exit: 1,
    title: 'Something unexpected happened',
    happened: 'Waybill met a condition that it does not know. The technical text is in the details and in the log.',
    todo: ['Look at the deliveries list to see what was done.', 'Send the details to support.'],
  },
  'audit.broken': {
    retry: 'never', exit: 3,
    title: 'The audit chain does not verify',
    happened: 'A record was changed, removed, inserted or reordered after it was written. The first bad record is named.',
    todo: ['Keep the workspace folder as it is; do not repair anything.', 'Compare with a backup or an exported chain to see what was changed.'],
  },
})
