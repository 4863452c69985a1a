/** The words of the inventory. */
import { z } from 'zod'

/** `ssh-ca`: a key that signs host certificates. `ssh-revoked`: a host key or authority that must never be accepted. */
export const TrustKind = z.enum(['ssh-host', 'ssh-ca', 'ssh-revoked', 'ssh-client', 'x509', 'ca', 'pgp'])
export type TrustKind = z.infer<typeof TrustKind>

/** `tls-client`: what we show to servers. `tls-caller`: what a partner's program shows when it calls our receiver. */
export const Role = z.enum([
  'sign', 'verify', 'encrypt', 'decrypt', 'tls-client', 'tls-server', 'tls-caller',
  'ssh-host', 'ssh-jump', 'ssh-client', 'pgp-sign', 'pgp-verify', 'pgp-encrypt', 'pgp-decrypt',
])
export type Role = z.infer<typeof Role>
