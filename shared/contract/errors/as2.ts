import { catalogue } from './spec.ts'

/** AS2: messages, their receipts, and our receiver. */
export const as2Errors = catalogue({
  'as2.receipt_mic_mismatch': {
    retry: 'never', exit: 3,
    title: 'The partner received another content',
    happened: 'The receipt is genuine, but the content check (MIC) in it is that of other bytes than ours. What lies at the partner may be damaged or still encrypted. It is not sent again by itself, because it may be there.',
    todo: ['Ask the partner to open the file and compare it.', 'Record the answer with "Resolve"; if it is not usable there, resolve it as not delivered and choose "Retry": it goes as a new message.'],
  },
  'as2.receipt_mic_missing': {
    retry: 'never', exit: 3,
    title: 'The receipt does not say what was received',
    happened: 'The receipt is genuine, but holds no content check (MIC) that we can compare. So it does not prove that our file arrived as it was sent.',
    todo: ['Ask the partner whether the file arrived whole, and record the answer with "Resolve".', 'Ask them to enable the MIC in their receipts.'],
  },
  'as2.receipt_unsigned': {
    retry: 'never', exit: 3,
    title: 'The receipt is not signed',
    happened: 'A signed receipt was agreed, and an unsigned one came. Anybody could have written it, so it does not count as proof.',
    todo: ['Ask the partner whether the file arrived, and record the answer with "Resolve".', 'Ask them to sign their receipts. If they cannot, add a dated exception or ask for unsigned receipts on the connection.'],
  },
  'as2.receipt_wrong_signer': {
    retry: 'never', exit: 3,
    title: 'Somebody else signed the receipt',
    happened: 'The receipt is signed, but with none of the certificates that are bound to this partner. It may be a new certificate that nobody told us of, or a forgery.',
    todo: ['Ask the partner for their present certificate, compare its fingerprint by phone, and bind it.', 'Record with "Resolve" whether the file arrived.'],
  },
  'as2.receipt_signature_invalid': {
    retry: 'never', exit: 3,
    title: 'The signature of the receipt is wrong',
    happened: 'The receipt was changed after it was signed, or uses an algorithm that is not permitted. It proves nothing.',
    todo: ['Ask the partner whether the file arrived, and record the answer with "Resolve".', 'Send them the raw receipt (`waybill deliveries show ID --raw mdn --out FILE`).'],
  },
  'as2.receipt_negative': {
    retry: 'never', exit: 1,
    title: 'The partner refused the message',
    happened: 'The receipt says that the partner could not process the message. The details show their reason in the words of the standard. It was not taken over there.',
    todo: ['decryption-failed: they use another certificate than the one we encrypt to. authentication-failed: they do not know our signing certificate. Otherwise ask the partner.', 'When it is put right, choose "Retry": it goes as a new message.'],
  },
  'as2.receipt_missing': {
    retry: 'backoff', exit: 3,
    title: 'The partner answered without a receipt',
    happened: 'The answer holds no receipt that can be read, so it is not known whether the message was taken. The same message is sent again later; the partner recognises it by its number.',
    todo: ['Wait for the next try, or choose "Retry".', 'If it happens again, send the partner the time and the Message-ID in the details.'],
  },
  'as2.receipt_overdue': {
    retry: 'never', exit: 3,
    title: 'The receipt is overdue',
    happened: 'The partner took the message, but its receipt has not come in the time agreed. It still counts when it comes.',
    todo: ['Check that the partner can reach the address of our receiver, and that it is running.', 'Ask the partner whether the receipt is on its way.'],
  },
  'as2.receipt_given_up': {
    retry: 'never', exit: 3,
    title: 'No receipt came',
    happened: 'The partner took the message and never sent the receipt, so it is not known whether it was processed. A late receipt still closes the delivery.',
    todo: ['Ask the partner, and record the answer with "Resolve".', 'Or choose "Retry": the same message goes again, and a partner who has it only repeats the receipt.'],
  },
  'as2.http_refused': {
    retry: 'never', exit: 1,
    title: 'The partner\'s server refused the message',
    happened: 'The server answered that it does not take this request (the details show its number). 401 and 403: the sign-in or our address is not accepted. 404: the address is wrong. 413: the message is too large.',
    todo: ['Check the address, user name and password of the connection.', 'Send the details to the partner.'],
  },
  'as2.http_failed': {
    retry: 'backoff', exit: 1,
    title: 'The partner\'s server reported a failure',
    happened: 'The server answered with a failure of its own (the details show its number). The same message is sent again later.',
    todo: ['Wait for the next try, or choose "Retry".', 'If it stays, send the details to the partner.'],
  },
  'as2.redirected': {
    retry: 'never', exit: 4,
    title: 'The server wants us to go elsewhere',
    happened: 'The server answered with another address. Messages go only to the address that was agreed.',
    todo: ['Ask the partner for the right address and enter it in the connection.'],
  },
  'as2.answer_too_large': {
    retry: 'backoff', exit: 3,
    title: 'The answer is larger than any receipt',
    happened: 'The server sent more than a receipt can be. Reading was stopped, so it is not known whether the message was taken.',
    todo: ['Check that the address is that of an AS2 server.', 'Choose "Retry": the same message goes again.'],
  },
  'as2.plain_http': {
    retry: 'never', exit: 4,
    title: 'This would go over the network without TLS',
    happened: 'The address begins with http:// and leads to another computer. Nothing was sent.',
    todo: ['Ask the partner for an https:// address.', 'If there is none, add the dated exception `plain-http` with a reason; the message must then be signed and encrypted.'],
  },
  'as2.certificate_missing': {
    retry: 'never', exit: 4,
    title: 'A certificate is missing',
    happened: 'For one of the steps (sign, encrypt, verify, decrypt) no certificate is bound; the details name it. Nothing was sent.',
    todo: ['Ours (sign, decrypt): create or import it with its private key and bind it to the station.', 'The partner\'s (encrypt, verify): import the certificate they gave you, compare its fingerprint, and bind it to the connection.'],
  },
  'as2.certificate_unfit': {
    retry: 'never', exit: 4,
    title: 'A certificate cannot be used',
    happened: 'A bound certificate has expired, is not valid yet, or its key is too small; the details say which. Nothing was sent.',
    todo: ['Exchange a new certificate with the partner and bind it.', 'If it cannot wait, add a dated exception with a reason.'],
  },
  'as2.algorithm_refused': {
    retry: 'never', exit: 4,
    title: 'The agreed algorithm is outdated',
    happened: 'The connection asks for an algorithm that is no longer safe (SHA-1 or Triple DES), and no valid exception permits it. Nothing was sent.',
    todo: ['Choose SHA-256 and AES in the connection.', 'If the partner cannot, add the dated exception `cms-sha1` or `cms-3des` with a reason.'],
  },
  'as2.not_agreed': {
    retry: 'never', exit: 2,
    title: 'Something is missing for sending by AS2',
    happened: 'The connection has no address of the partner, or we have no AS2 identifier yet. Nothing was sent.',
    todo: ['Enter the partner\'s address in the connection.', 'Enter our AS2 identifier in the station.'],
  },
  'as2.build_failed': {
    retry: 'never', exit: 1,
    title: 'The message could not be built',
    happened: 'The file could not be wrapped as the connection asks. Nothing was sent.',
    todo: ['Look at the details; check the certificates and settings of the connection.'],
  },
  'as2.receiver_failed': {
    retry: 'never', exit: 1,
    title: 'The receiver could not be started',
    happened: 'The address could not be opened for listening: the port is taken, or it is not one of this computer.',
    todo: ['Choose another port, or end the other program.', 'Ports below 1024 need special rights on most systems.'],
  },
  'as2.listens': {
    retry: 'never', exit: 2,
    title: 'AS2 receives by listening',
    happened: 'With AS2 the partner sends when it wants to; there is nothing to fetch.',
    todo: ['Switch the receiver on (Settings, or `waybill serve --as2 HOST:PORT`).', 'Tell the partner the address under which it is reached from outside.'],
  },
})
