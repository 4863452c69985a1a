/** Ids of sealed secrets, `partner/acme/sftp/password`, as ages of a connection's fields. Pure. */
import type { SecretAge } from './facts.ts'

export function secretAges(sealed: readonly { readonly id: string; readonly sealedAt: string }[]): SecretAge[] {
  return sealed.flatMap(({ id, sealedAt }) => {
    const [kind, partner, connection, field] = id.split('/')
    return kind === 'partner' && partner !== undefined && connection !== undefined && field !== undefined ? [{ partner, connection, field, sealedAt }] : []
  })
}
