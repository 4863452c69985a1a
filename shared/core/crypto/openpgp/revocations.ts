/** Revocation certificates that stand alone, as owners make them beforehand: one signature in the armour of a key. */
import { dearmored } from './armor.ts'
import { PACKET, PacketReader } from './packet-stream.ts'

const MAX_BYTES = 64 * 1024
const BEGIN = '-----BEGIN PGP PUBLIC KEY BLOCK-----'

/** `guarded`: GnuPG put a colon before the first line, so that nobody imports it by mistake; whoever means it takes the colon away. */
export async function revocationIn(content: Uint8Array): Promise<'none' | 'plain' | 'guarded'> {
  if (content.length > MAX_BYTES) return 'none'
  const text = Buffer.from(content).toString('latin1')
  const at = text.search(new RegExp(`^:?${BEGIN}`, 'm'))
  if (at < 0) return 'none'
  const isGuarded = text[at] === ':'
  try {
    const first = await new PacketReader(dearmored([Buffer.from(text.slice(isGuarded ? at + 1 : at), 'latin1')], ['PUBLIC KEY BLOCK'])).next()
    if (first?.tag !== PACKET.signature) return 'none'
  } catch {
    // Whatever else it is, the reader of keys says what is wrong with it.
    return 'none'
  }
  return isGuarded ? 'guarded' : 'plain'
}
