import { catalogue } from './spec.ts'

/** Channels through which people hear of what happens. */
export const notificationErrors = catalogue({
  'notify.not_set_up': {
    retry: 'never', exit: 2,
    title: 'This channel is not set up',
    happened: 'There are no settings for this way of telling somebody.',
    todo: ['Fill in the server and the recipients in the notification settings.'],
  },
  'notify.unreachable': {
    retry: 'backoff', exit: 1,
    title: 'The notification server does not answer',
    happened: 'No connection could be made, or the server fell silent. The message is kept and tried again.',
    todo: ['Check the name, the port and the network.', 'Use the test button once it is mended.'],
  },
  'notify.untrusted': {
    retry: 'backoff', exit: 4,
    title: 'The notification server could not prove who it is',
    happened: 'Its certificate is not valid for this name or comes from an authority that nobody here trusts, or it offers no encryption. Nothing was sent.',
    todo: ['Check the name of the server.', 'If it has an authority of its own, add that certificate to the settings.'],
  },
  'notify.refused': {
    retry: 'backoff', exit: 1,
    title: 'The notification server refused the message',
    happened: 'It answered and did not take it: the sign-in, the sender, a recipient or the secret is not accepted. The message is kept and tried again.',
    todo: ['Read the server\'s answer below and correct the settings.', 'Use the test button once it is mended.'],
  },
})
