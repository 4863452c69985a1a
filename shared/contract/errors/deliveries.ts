import { catalogue } from './spec.ts'

/** Deliveries: the source file, duplicates, the ledger and policy. */
export const deliveryErrors = catalogue({
  'delivery.duplicate': {
    retry: 'never', exit: 4,
    title: 'This file went to this partner before',
    happened: 'The same content under the same name was delivered, or is under way, to this partner. Nothing was sent.',
    todo: ['Look at the earlier delivery named in the details.', 'If it must go again, send it with a reason (`--allow-duplicate REASON`).'],
  },
  'delivery.source_vanished': {
    retry: 'never', exit: 1,
    title: 'The file disappeared before it was read',
    happened: 'The file was there when you chose it and was gone while it was being copied. Nothing was sent.',
    todo: ['Find the file and send it again.'],
  },
  'delivery.source_changed': {
    retry: 'never', exit: 1,
    title: 'The file changed while it was being read',
    happened: 'Its size or time changed during the copy, so another program was still writing it. Nothing was sent.',
    todo: ['Wait until the other program has finished, then send it again.'],
  },
  'delivery.source_unreadable': {
    retry: 'never', exit: 2,
    title: 'The file cannot be read',
    happened: 'The file does not exist, is not an ordinary file, or may not be read by this user. Nothing was sent.',
    todo: ['Check the path and the permissions, then send it again.'],
  },
  'delivery.bad_name': {
    retry: 'never', exit: 2,
    title: 'The file name cannot be used',
    happened: 'The name at the partner must be one plain name: no folders, no control characters, at most 255 bytes.',
    todo: ['Send it under another name (`--as NAME`).'],
  },
  'delivery.payload_missing': {
    retry: 'never', exit: 1,
    title: 'The stored copy of the file is gone or damaged',
    happened: 'Waybill keeps a sealed copy of each file; this one is missing or fails its check, so nothing was sent from it.',
    todo: ['Send the original file again.', 'Run `waybill doctor` and check the disk.'],
  },
  'delivery.too_large': {
    retry: 'never', exit: 4,
    title: 'The file is larger than agreed',
    happened: 'The partner\'s limit for the file size is exceeded. Nothing was sent.',
    todo: ['Split the file, or agree on a larger limit with the partner and change it in the partner\'s settings.'],
  },
  'delivery.extension_refused': {
    retry: 'never', exit: 4,
    title: 'This kind of file was not agreed',
    happened: 'The partner\'s settings list the permitted file endings, and this one is not among them. Nothing was sent.',
    todo: ['Send another file, or add the ending in the partner\'s settings.'],
  },
  'delivery.interrupted': {
    retry: 'now', exit: 3,
    title: 'Waybill was stopped during the transfer',
    happened: 'The process ended while this file was under way. What arrived is looked up at the partner before anything is sent again.',
    todo: ['Choose "Retry": it first looks whether the file is there.'],
  },
  'delivery.unknown': {
    retry: 'never', exit: 3,
    title: 'It is not known whether the file arrived',
    happened: 'The connection ended at the moment of delivery, and the partner\'s server could not be asked yet.',
    todo: ['Choose "Retry": it first looks whether the file is there and sends only if it is not.', 'If the partner removes files at once, ask the partner and record the answer with "Resolve".'],
  },
  'receive.same_content': {
    retry: 'never', exit: 3,
    title: 'This content came before under another name',
    happened: 'A file with exactly the same content was received from this partner before, so this may be a renamed copy. It is safely here and was not put into the Inbox.',
    todo: ['Compare it with the earlier delivery named in the details.', 'If it is a new file, choose "Release": it then appears in the Inbox.'],
  },
  'receive.changed': {
    retry: 'backoff', exit: 1,
    title: 'The file changed while it was being fetched',
    happened: 'Its size or time at the partner is another one than before the transfer, so it was not complete. Nothing was released.',
    todo: ['Nothing: the next run takes it once it stays the same.'],
  },
  'receive.unsafe_name': {
    retry: 'never', exit: 3,
    title: 'The file name is not safe here',
    happened: 'The partner\'s file has a name that cannot be used on this computer. The content is safely here under a cleaned name.',
    todo: ['Look at the delivery: it shows both names.'],
  },
  'receive.inbox_failed': {
    retry: 'backoff', exit: 1,
    title: 'The file could not be put into the Inbox',
    happened: 'The content is safely in the workspace, but the Inbox folder could not be written.',
    todo: ['Check that the Inbox folder exists, is writable and has space.', 'The next run tries again by itself.'],
  },
  'receive.not_offered': {
    retry: 'never', exit: 2,
    title: 'Nothing is collected from this connection',
    happened: 'The connection has no receiving settings.',
    todo: ['Add a "receive" section to the connection (folder, patterns, what happens afterwards).'],
  },
  'partner.suspended': {
    retry: 'never', exit: 4,
    title: 'This partner is suspended',
    happened: 'Someone suspended the exchange with this partner; nothing is sent until it is resumed.',
    todo: ['Resume the partner on its page, or with `waybill partner resume`.'],
  },
  'policy.refused': {
    retry: 'never', exit: 4,
    title: 'The agreed policy does not allow this',
    happened: 'What would be used is weaker than what was agreed with this partner, and no valid exception exists.',
    todo: ['Ask the partner to offer one of the permitted algorithms.', 'If it cannot be helped, add a dated exception with a reason to the partner.'],
  },
})
