import { catalogue } from './spec.ts'

/** Bundles that prove one delivery. */
export const evidenceErrors = catalogue({
  'evidence.not_evidence': {
    retry: 'never', exit: 2,
    title: 'This is no evidence of a delivery',
    happened: 'The file is no ZIP file, or holds none of what such a bundle begins with (a signed list of its content). Nothing was checked.',
    todo: ['Choose the file as it was written by “Export evidence” or `evidence export`, not one that was unpacked and packed again.', 'If it was sent by mail, ask for it once more: some mail programs change attachments.'],
  },
})
