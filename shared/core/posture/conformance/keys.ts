/** Certificates by openssl, SSH keys by ssh-keygen, OpenPGP keys by GnuPG: imported, bound, and left to age. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readKey } from 'openpgp'
import type { Role } from '../../../contract/trust.ts'
import { fixtures } from '../../crypto/cms/fixture-messages.ts'
import { context } from '../../messages/conformance/station.ts'
import { arranged, as2Over, ftps, over, sftp, type ArtefactCase } from './cases.ts'
import type { CertificateOptions, Company } from './company.ts'

let serial = 0
/** A partner with an AS2 connection of a name of its own. */
function partner(company: Company, id: string, change: Record<string, unknown> = {}, more: Record<string, unknown> = {}): void {
  company.apply({ ...as2Over(`KEY${++serial}`, change, more), id })
}

/** A certificate of that kind for the hit, and of another for the near miss, bound in a role. */
function certificates(code: string, role: Role, hit: CertificateOptions, near: CertificateOptions, options: { readonly seenOn?: number; readonly of?: 'station'; readonly prepare?: (company: Company) => unknown } = {}): ArtefactCase {
  return arranged(code, async (company, id, isHit) => {
    if (isHit) await options.prepare?.(company)
    partner(company, id)
    await company.bring(company.certificate(id, isHit ? hit : near), [role], { partner: id })
  }, { seenOn: options.seenOn ?? 0 })
}

const usage = (...values: string[]): CertificateOptions => ({ extensions: values })

/** A public OpenPGP key whose working subkey ends after so many days; 0: never. */
function pgpKey(company: Company, id: string, keyDays: number, subkeyDays: number): string {
  const gpg = company.gpg()
  const fingerprint = gpg.generate(`Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: sign\nName-Real: ${id}\nName-Email: ${id}@partner.example\nExpire-Date: ${keyDays === 0 ? '0' : `${keyDays}d`}`)
  gpg.run(['--quick-add-key', fingerprint, 'cv25519', 'encr', subkeyDays === 0 ? '0' : `${subkeyDays}d`])
  return company.tools.write(`${id}.asc`, gpg.run(['--armor', '--export', fingerprint]))
}

/** An OpenPGP key that signs by a subkey of five days only, made an hour ago; `goOn` makes the subkey that comes after it. */
function signingKey(company: Company, id: string): { goOn(): void; file(name: string, half: 'public' | 'secret'): string } {
  const gpg = company.gpg()
  const anHourAgo = new Date(company.now() - 3_600_000).toISOString()
  const fingerprint = gpg.generate(`Key-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: cert\nName-Real: ${id}\nName-Email: ${id}@partner.example\nExpire-Date: 0`, anHourAgo)
  gpg.runAt(anHourAgo, ['--quick-add-key', fingerprint, 'ed25519', 'sign', '5d'])
  return {
    goOn: () => void gpg.run(['--quick-add-key', fingerprint, 'ed25519', 'sign', '0']),
    file: (name, half) => company.tools.write(`${id}.${name}.asc`, gpg.run(['--armor', half === 'public' ? '--export' : '--export-secret-keys', fingerprint])),
  }
}

/** As programs wrote it before cross-certification (GnuPG before 1.4.3): the newest subkey's own signature, unhashed, is left out. */
async function withoutBackSignatures(armored: Uint8Array): Promise<string> {
  const key = await readKey({ armoredKey: Buffer.from(armored).toString('utf8') })
  // RFC 9580 5.2.3.7
  const EMBEDDED_SIGNATURE = 32
  for (const signature of key.subkeys.at(-1)?.bindingSignatures ?? []) signature.unhashedSubpackets = signature.unhashedSubpackets.filter(({ type }) => type !== EMBEDDED_SIGNATURE)
  return key.armor()
}

function pgp(code: string, days: { readonly hit: readonly [number, number]; readonly near: readonly [number, number] }, seenOn: number): ArtefactCase {
  return arranged(code, async (company, id, isHit) => {
    company.apply({ ...over(sftp()), id })
    await company.bring(pgpKey(company, id, ...(isHit ? days.hit : days.near)), ['pgp-encrypt'], { partner: id })
  }, { seenOn })
}

const MENDELSON = 'third-party/phase2/phase2-lib/src/test/resources/external/mendelson/key4.cer'

export const keys: readonly ArtefactCase[] = [
  certificates('certificate_expired', 'verify', { days: 5 }, { days: 7 }, { seenOn: 6 }),
  certificates('item_expiring', 'verify', { days: 29 }, { days: 40 }),
  certificates('no_successor', 'verify', { days: 29 }, { days: 40 }),
  {
    code: 'not_yet_valid', hit: 'not-yet.hit', near: 'not-yet.near', seenOn: -1,
    steps: [{ day: -1, act: async (company) => {
      for (const id of ['not-yet.hit', 'not-yet.near']) {
        partner(company, id)
        const { id: item } = await company.bring(company.certificate(id), [], undefined)
        await company.handlers().trust.bind({ item, partner: id, role: 'verify', ...(id.endsWith('hit') ? {} : { activeFrom: new Date().toISOString() }) }, context)
      }
    } }],
  },
  arranged('chain_expired', async (company, id, isHit) => await underAuthority(company, id, isHit ? 5 : 9), { seenOn: 6 }),
  arranged('chain_expiring', async (company, id, isHit) => await underAuthority(company, id, isHit ? 50 : 70)),
  pgp('pgp_key_expired', { hit: [5, 0], near: [9, 0] }, 6),
  pgp('pgp_subkey_expired', { hit: [0, 5], near: [0, 9] }, 6),
  pgp('pgp_subkey_ends_first', { hit: [0, 40], near: [0, 90] }, 0),
  {
    code: 'rollover_stuck', hit: 'stuck.hit', near: 'stuck.near', seenOn: 95,
    steps: [0, 1, 10].map((day) => ({ day, act: async (company) => {
      for (const id of ['stuck.hit', 'stuck.near']) {
        if (day === 0) partner(company, id)
        // The successor of one comes on day 1, that of the other on day 10.
        if (day === 0 || day === (id.endsWith('hit') ? 1 : 10)) await company.bring(company.certificate(`${id}-${day}`), ['verify'], { partner: id })
      }
    } })),
  },
  arranged('own_key_old', async (company, id, isHit) => {
    partner(company, id)
    await company.bring(company.certificate(id, { days: 2000, withKey: isHit }), [isHit ? 'tls-client' : 'verify'], { partner: id })
  }, { seenOn: 1096 }),
  // Bound while an exception held, which then ended.
  arranged('key_small', async (company, id, isHit) => {
    partner(company, id, {}, { exceptions: [{ allow: 'rsa-1024', reason: 'they update in autumn', owner: 'Ms Ito', until: company.day(3) }] })
    await company.bring(company.certificate(id, { key: isHit ? 'rsa:1024' : 'rsa:2048' }), ['verify'], { partner: id })
  }, { seenOn: 6 }),
  // A certificate that does not fit a role is refused when it is bound, so none can stand there. An OpenPGP key that fitted can stop
  // fitting: its owner goes on with another subkey.
  arranged('key_unusable_kind', async (company, id, isHit) => {
    company.apply({ ...over(sftp()), id })
    const key = signingKey(company, id)
    await company.bring(key.file('first', 'public'), ['pgp-verify'], { partner: id })
    key.goOn()
    const next = key.file('next', 'public')
    if (isHit) company.tools.write(`${id}.next.asc`, await withoutBackSignatures(company.tools.read(`${id}.next.asc`)))
    await company.bring(next, [])
  }, { seenOn: 6 }),
  // The next subkey was made on another computer: of the hit only its public half was brought here.
  arranged('private_key_missing', async (company, id, isHit) => {
    company.apply({ ...over(sftp()), id })
    const key = signingKey(company, id)
    await company.bring(key.file('first', 'secret'), ['pgp-sign'], { partner: id })
    key.goOn()
    await company.bring(key.file('next', isHit ? 'public' : 'secret'), [])
  }, { seenOn: 6 }),
  arranged('key_revoked', async (company, id, isHit) => {
    company.apply({ ...over(sftp()), id })
    pgpKey(company, id, 0, 0)
    const gpg = company.gpg()
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gpg.run(['--with-colons', '--list-keys', `${id}@partner.example`]).toString())?.[1] ?? ''
    if (isHit) await company.bring(company.tools.write(`${id}.asc`, gpg.run(['--armor', '--export', fingerprint])), ['pgp-encrypt'], { partner: id })
    // GnuPG writes the certificate with a colon before it, so that nobody imports it by mistake.
    if (isHit) gpg.run(['--import'], readFileSync(join(gpg.home, 'openpgp-revocs.d', `${fingerprint}.rev`), 'utf8').replace(/^:-----BEGIN/m, '-----BEGIN'))
    await company.bring(company.tools.write(`${id}.asc`, gpg.run(['--armor', '--export', fingerprint])), isHit ? [] : ['pgp-encrypt'], isHit ? undefined : { partner: id })
  }),
  certificates('issuer_signature_weak', 'verify', { by: 'weak-ca', digest: 'sha1' }, { by: 'weak-ca', digest: 'sha256' }, { prepare: (company) => company.certificate('weak-ca', usage('basicConstraints=critical,CA:TRUE')) }),
  certificates('usage_lacking', 'verify', { by: 'usage-ca', extensions: ['keyUsage=critical,keyEncipherment'] }, { by: 'usage-ca', extensions: ['keyUsage=critical,digitalSignature'] }, { prepare: (company) => company.certificate('usage-ca', usage('basicConstraints=critical,CA:TRUE')) }),
  certificates('purpose_lacking', 'verify', usage('extendedKeyUsage=serverAuth'), usage('extendedKeyUsage=emailProtection')),
  arranged('one_key_for_two', async (company, id, isHit) => {
    partner(company, id)
    if (isHit) await company.bring(company.certificate(id, { key: 'rsa:2048' }), ['verify', 'encrypt'], { partner: id })
    else for (const role of ['verify', 'encrypt'] as const) await company.bring(company.certificate(`${id}-${role}`, { key: 'rsa:2048' }), [role], { partner: id })
  }),
  arranged('shared_by_partners', async (company, id, isHit) => {
    const file = company.certificate(id)
    for (const [index, one] of [id, `${id}-other`].entries()) {
      partner(company, one)
      await company.bring(isHit || index === 0 ? file : company.certificate(`${id}-own`), ['verify'], { partner: one })
    }
  }),
  arranged('messages_and_tls', async (company, id, isHit) => {
    partner(company, id)
    await company.bring(company.certificate(id), isHit ? ['verify', 'tls-server'] : ['verify'], { partner: id })
  }),
  arranged('trusted_on_first_use', (company, id, isHit) => company.apply({ ...over(sftp({ hostKeys: [{ key: company.sshKey(id), provenance: { source: isHit ? 'first-use' : 'phone', person: 'Ms Ito' } }] })), id })),
  arranged('unconfirmed', async (company, id, isHit) => {
    partner(company, id)
    await company.bring(company.certificate(id), ['verify'], { partner: id }, { confirmed: !isHit })
  }),
  arranged('client_auth_ends', async (company, id, isHit) => {
    if (isHit) company.certificate('public-ca', usage('basicConstraints=critical,CA:TRUE'))
    partner(company, id)
    await company.bring(company.certificate(id, { by: 'public-ca', withKey: true, extensions: [isHit ? 'extendedKeyUsage=serverAuth,clientAuth' : 'extendedKeyUsage=clientAuth'] }), ['tls-client'], { partner: id })
  }),
  arranged('pgp_profile_unproved', async (company, id, isHit) => {
    company.apply({ ...over(sftp({ pgp: { outbound: 'encrypt', profile: isHit ? 'modern' : 'gnupg22' } })), id })
    await company.bring(pgpKey(company, id, 0, 0), ['pgp-encrypt'], { partner: id })
  }),
  arranged('client_key_shared', async (company, id, isHit) => {
    company.sshKey(id)
    for (const [index, one] of [id, `${id}-other`].entries()) {
      company.apply({ ...over(sftp()), id: one })
      if (isHit || index === 0) await company.bring(join(company.folder, id), ['ssh-client'], { partner: one })
    }
  }),
  arranged('host_key_weak', (company, id, isHit) => company.apply({ ...over(sftp({ hostKeys: [{ key: company.sshKey(id, 'rsa', isHit ? 1024 : 2048), provenance: { source: 'phone', person: 'Ms Ito' } }] })), id })),
  arranged('tls_pin_short_lived', async (company, id, isHit) => {
    if (isHit) company.certificate('web-ca', usage('basicConstraints=critical,CA:TRUE'))
    company.apply({ ...over(ftps()), id })
    await company.bring(company.certificate(id, { by: 'web-ca', days: isHit ? 90 : 500 }), ['tls-server'], { partner: id })
  }),
  arranged('pin_compared_weakly', (company, id, isHit) => company.apply({ ...over(sftp({ hostKeys: [{ key: company.sshKey(id), provenance: { source: 'mail', person: 'Ms Ito', note: isHit ? 'read out: MD5:0a:1b:2c:3d:4e:5f:60:71:82:93:a4:b5:c6:d7:e8:f9' : 'read out by phone' } }] })), id })),
  ...(fixtures.absent ? [] : [arranged('test_key', async (company, id, isHit) => {
    partner(company, id)
    await company.bring(isHit ? company.tools.write(`${id}.cer`, fixtures.bytes(MENDELSON)) : company.certificate(id), ['verify'], { partner: id })
  })]),
]

/** A certificate of two years under an authority that ends sooner, imported with it. */
async function underAuthority(company: Company, id: string, days: number): Promise<void> {
  partner(company, id)
  company.certificate(`${id}-ca`, { days, extensions: ['basicConstraints=critical,CA:TRUE'] })
  company.certificate(id, { by: `${id}-ca` })
  const together = company.tools.write(`${id}.chain.pem`, Buffer.concat([company.tools.read(`${id}.crt`), company.tools.read(`${id}-ca.crt`)]))
  await company.bring(together, ['verify'], { partner: id })
}
