import { catalogue } from './spec.ts'

/** OpenPGP messages and keys. */
export const openpgpErrors = catalogue({
  'pgp.no_key_bound': {
    retry: 'never', exit: 4,
    title: 'An OpenPGP key is missing',
    happened: 'It was agreed to protect files with OpenPGP, but no key is bound for that. Nothing was sent or released.',
    todo: ['Import the key that the details name (`waybill trust import FILE --partner ID --role ROLE`), or make one of ours.'],
  },
  'pgp.tampered': {
    retry: 'never', exit: 4,
    title: 'The message was changed on its way',
    happened: 'The integrity check inside the encryption fails: what arrived is not what was encrypted. Nothing was released.',
    todo: ['Collect the file again: a transfer in text mode damages binary files.', 'If it fails again, ask the partner to encrypt and send it anew.'],
  },
  'pgp.truncated': {
    retry: 'never', exit: 1,
    title: 'The message is cut off',
    happened: 'The file ends before the message does, so its end and its integrity check are missing. Nothing was released.',
    todo: ['Collect the file again once the partner has finished writing it.', 'If it stays short, ask the partner to send it anew.'],
  },
  'pgp.malformed': {
    retry: 'never', exit: 1,
    title: 'This is no OpenPGP message that can be read',
    happened: 'The file is not an OpenPGP message, or it breaks the rules of the format. Nothing was released.',
    todo: ['Check that the partner really encrypts or signs with OpenPGP.', 'Ask the partner to send the file anew.'],
  },
  'pgp.unsupported': {
    retry: 'never', exit: 1,
    title: 'The message uses something not supported',
    happened: 'The message is well formed, but it uses a version or an algorithm that Waybill does not have. The details name it.',
    todo: ['Ask the partner to use AES with ZLIB or no compression, and ordinary (not cleartext) signatures.'],
  },
  'pgp.not_signed': {
    retry: 'never', exit: 4,
    title: 'The signature is missing',
    happened: 'A signature is agreed with this partner, and the message has none. Anybody could have written it, so nothing was released.',
    todo: ['Ask the partner to sign the file and to send it anew.', 'If no signature is agreed, change the flow of this partner.'],
  },
  'pgp.not_encrypted': {
    retry: 'never', exit: 4,
    title: 'The message is not encrypted',
    happened: 'Encryption is agreed with this partner, and the message is readable by anybody. Nothing was released.',
    todo: ['Ask the partner to encrypt the file to your key and to send it anew.', 'If no encryption is agreed, change the flow of this partner.'],
  },
  'pgp.signer_unknown': {
    retry: 'never', exit: 4,
    title: 'Signed by a key that is not the partner\'s',
    happened: 'The message has a signature, but none by a key that is bound to this partner. The details name the key. Nothing was released.',
    todo: ['Ask the partner, by phone, whether they sign with a new key.', 'If so, import the new public key, compare its fingerprint, and bind it to the partner.'],
  },
  'pgp.signature_invalid': {
    retry: 'never', exit: 4,
    title: 'The signature does not fit the content',
    happened: 'The signature names the partner\'s key, but it does not verify: the content or the signature was changed. Nothing was released.',
    todo: ['Collect the file again.', 'If it fails again, ask the partner to sign and send it anew.'],
  },
  'pgp.key_expired': {
    retry: 'never', exit: 4,
    title: 'An OpenPGP key has expired',
    happened: 'The key or the subkey that is needed was past its end at that time. The details name it. Nothing was sent or released.',
    todo: ['Ask the owner of the key to extend it or to make a new one.', 'Import the renewed public key, compare its fingerprint, and bind it.'],
  },
  'pgp.key_revoked': {
    retry: 'never', exit: 4,
    title: 'An OpenPGP key was revoked',
    happened: 'The owner declared the key or the subkey void. The details say which and why. Nothing was sent or released.',
    todo: ['Ask the owner of the key for the new public key, by a way that you trust.', 'Import it, compare its fingerprint, bind it, and retire the old one.'],
  },
  'pgp.key_unusable': {
    retry: 'never', exit: 4,
    title: 'The OpenPGP key is not fit for this',
    happened: 'The key has no part that may do what is asked: sign, verify, encrypt or decrypt. The details say why.',
    todo: ['Choose another key, or ask its owner for one that has the missing part.'],
  },
  'pgp.no_secret_key': {
    retry: 'never', exit: 1,
    title: 'The message is not encrypted to our key',
    happened: 'None of our secret keys opens the message. The details name the keys that it is encrypted to. Nothing was released.',
    todo: ['Compare the named keys with the ones in your inventory: the partner may use an old key of yours.', 'Send the partner your present public key, and ask for the file anew.'],
  },
  'pgp.weak_algorithm': {
    retry: 'never', exit: 4,
    title: 'An algorithm or a key is too weak',
    happened: 'What was used no longer protects (such as 3DES, CAST5, SHA-1 signatures or RSA below 2048 bits). The details name it. Nothing was sent or released.',
    todo: ['Ask the partner to use AES, SHA-256 or better, and RSA of 3072 bits or elliptic keys.', 'If that takes time, record an exception with a reason and an end date.'],
  },
  'pgp.no_integrity': {
    retry: 'never', exit: 4,
    title: 'The encryption has no integrity protection',
    happened: 'The message uses the old form of encryption that lets anybody change the content unseen (no MDC). Nothing was released.',
    todo: ['Ask the partner to update their OpenPGP program, or to switch the integrity protection (MDC) on.', 'If that takes time, record an exception with a reason and an end date.'],
  },
  'pgp.bomb': {
    retry: 'never', exit: 4,
    title: 'The content is larger than permitted',
    happened: 'Unpacked, the content is larger than the limit of this partner, or out of all proportion to what arrived. Nothing was released.',
    todo: ['Ask the partner how large the file should be.', 'If the file is genuine, raise the limit of the partner.'],
  },
  'pgp.abandoned': {
    retry: 'now', exit: 1,
    title: 'The message was not read to its end',
    happened: 'Reading was given up before the end, so integrity and signature are not known. Nothing was released.',
    todo: ['Try again.'],
  },
})
