import { catalogue } from './spec.ts'

/** Keys and certificates in the inventory, and what they are used for. */
export const trustErrors = catalogue({
  'trust.unfit': {
    retry: 'never', exit: 4,
    title: 'This item must not be used for that',
    happened: 'The key or certificate is too weak, has expired, or cannot do what the role needs. Nothing was changed.',
    todo: ['Ask its owner for a newer one and import that.', 'If a partner cannot change it yet, note an exception with reason, owner and end date in the partner\'s document.'],
  },
  'policy.unapproved': {
    retry: 'never', exit: 4,
    title: 'Trust or policy was changed without approval',
    happened: 'Hardened mode is on, and what this partner rests on is not what was approved last. Nothing was exchanged; the details list the lines.',
    todo: ['Look at `policy diff`, and undo what is not wanted.', 'Approve the rest with `policy approve`, then try again.'],
  },
  'card.differs': {
    retry: 'never', exit: 4,
    title: 'The words are other ones',
    happened: 'The words that the partner read out do not belong to this card. Nothing was taken over.',
    todo: ['Let the partner read them out again, from the card that was sent last.', 'If they stay different, ask for the card on another way: somebody may have exchanged it.'],
  },
  'trust.differs': {
    retry: 'never', exit: 4,
    title: 'The compared value is another one',
    happened: 'What was read out over the second channel does not match what is in the inventory. Nothing was confirmed.',
    todo: ['Let it be read out again and compare character by character.', 'If it stays different, stop using the item: somebody may have exchanged it on the way.'],
  },
  'trust.key_without_certificate': {
    retry: 'never', exit: 2,
    title: 'The private key has no certificate',
    happened: 'The file holds a private key, but no certificate belongs to it, neither in the file nor in the inventory.',
    todo: ['Import the certificate first, or both together: one PEM or PKCS#12 file.', 'If it is an SSH key, import it with the role ssh-client.'],
  },
})
