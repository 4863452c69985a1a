import { catalogue } from './spec.ts'

const KEPT = 'It was kept whole, as it came; nothing of it was put into the Inbox.'
const AS_IT_IS = 'If you want the archive itself, take the step “Unpack ZIP files” out of the flow and choose “Release”: it then appears in the Inbox as it is.'

/** ZIP files: what is packed on the way out and unpacked on the way in. */
export const archiveErrors = catalogue({
  'zip.damaged': {
    retry: 'never', exit: 3,
    title: 'The ZIP file is damaged',
    happened: `It is cut off, contradicts itself, or a checksum inside does not fit, so its content is not what was packed. ${KEPT}`,
    todo: ['Ask the partner to pack and send it anew; a transfer in text mode damages archives.', AS_IT_IS],
  },
  'zip.unsafe_name': {
    retry: 'never', exit: 4,
    title: 'A name in the archive leads elsewhere',
    happened: `A file inside is named so that it would be written outside the folder in which it is unpacked. No honest program does that. ${KEPT}`,
    todo: ['Tell the partner which name is meant (the details hold it), and ask for an archive with plain names.', AS_IT_IS],
  },
  'zip.not_a_file': {
    retry: 'never', exit: 4,
    title: 'The archive holds more than files',
    happened: `An entry is a symbolic link or a device, which could make other files of this computer readable or be overwritten. ${KEPT}`,
    todo: ['Ask the partner to pack the files themselves and not links to them.', AS_IT_IS],
  },
  'zip.encrypted': {
    retry: 'never', exit: 3,
    title: 'The ZIP file is encrypted with a password',
    happened: `Waybill opens no ZIP passwords: the usual ones protect nothing, and a password cannot be rolled over. ${KEPT}`,
    todo: ['Agree on OpenPGP with the partner instead, and ask for an archive without a password.', AS_IT_IS],
  },
  'zip.unsupported': {
    retry: 'never', exit: 3,
    title: 'The ZIP file is packed in an unusual way',
    happened: `It uses a compression that Waybill does not have; ordinary ZIP files use “deflate” or none. ${KEPT}`,
    todo: ['Ask the partner to use the ordinary compression (deflate).', AS_IT_IS],
  },
  'zip.too_large': {
    retry: 'never', exit: 4,
    title: 'The archive would unpack to too much',
    happened: `It holds more files, bytes or folders than the flow permits, as archives do that are made to fill a disk. ${KEPT}`,
    todo: ['Ask the partner whether the archive is really theirs.', 'If it is, raise the limits of the step “Unpack ZIP files” in the flow and choose “Release”.'],
  },
  'zip.duplicate_name': {
    retry: 'never', exit: 3,
    title: 'Two files in the archive have one name',
    happened: `Which of them is meant cannot be known: programs disagree about it. Upper and lower case count as the same. ${KEPT}`,
    todo: ['Ask the partner to pack each file once and to send the archive anew.', AS_IT_IS],
  },
})
