import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Finding } from '../../shared/contract/posture.ts'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { givenWorkspace, newInstallation, type Installation } from '../servers/waybill.ts'

const peer = findPeer('sshd')

describe.skipIf(peer.absent)(`drift at a real server${peer.note}`, () => {
  let modern: Sshd
  /** The same partner's server after somebody "repaired" it. */
  let old: Sshd
  let here: Installation

  beforeAll(async () => {
    modern = await startSshd({ show: ['ed25519'] })
    old = await startSshd({ show: ['ed25519'], config: ['KexAlgorithms diffie-hellman-group14-sha1', 'Ciphers aes256-cbc'] })
  })
  afterAll(async () => {
    await modern?.stop()
    await old?.stop()
  })
  beforeEach(() => {
    here = newInstallation()
    givenWorkspace(here)
  })
  afterEach(() => here.remove())

  let applied = 0
  const apply = async (server: Sshd, hostKeys: readonly string[], exceptions: readonly string[] = []): Promise<void> => {
    const document = {
      id: 'acme', name: 'Acme',
      contacts: [{ name: 'Ms Ito', phone: '+81 3' }],
      connections: [{ protocol: 'sftp', host: '127.0.0.1', port: server.port, username: server.username, auth: { method: 'key', privateKey: server.privateKey }, folder: server.folder, hostKeys: hostKeys.map((key) => ({ key, provenance: { source: 'phone', person: 'Ms Ito' } })) }],
      exceptions: exceptions.map((allow) => ({ allow, reason: 'until they are done', owner: 'Ms Ito', until: '2099-12-31' })),
    }
    const { exit, err } = await here.run('partner', 'apply', here.file(`acme-${++applied}.json`, JSON.stringify(document)))
    expect(exit, err).toBe(0)
  }
  const send = async (name: string): Promise<{ exit: number | null; id: string }> => {
    const sent = await here.run('--json', 'send', 'acme', here.file(name, name))
    return { exit: sent.exit, id: sent.json<{ results: { delivery: { id: string } }[] }>().results[0]?.delivery.id ?? '' }
  }
  const posture = async (...options: string[]): Promise<{ exit: number | null; findings: Finding[] }> => {
    const result = await here.run('--json', 'posture', ...options)
    return { exit: result.exit, findings: result.json<{ findings: Finding[] }>().findings }
  }

  it('tells a downgrade between two deliveries, a refused identity, and what was mended, each with its delivery', async () => {
    await apply(modern, [modern.fingerprints.ed25519])
    expect((await send('first.edi')).exit).toBe(0)
    expect((await posture('--domain', 'crypto', '--severity', 'warning')).findings.map(({ code }) => code)).toEqual([])

    // Permitted by exceptions, pinned, delivered: and still a step down that nobody announced.
    await apply(old, [old.fingerprints.ed25519], ['ssh-kex-sha1', 'ssh-cbc'])
    const second = await send('second.edi')
    expect(second.exit).toBe(0)
    const weaker = await posture('--code', 'silent_downgrade')
    expect(weaker.exit).toBe(3)
    expect(weaker.findings.map(({ message }) => message).toSorted()).toEqual([expect.stringMatching(/went from .*gcm.* to aes256-cbc \(cipher\)/), expect.stringMatching(/went from curve25519.* to diffie-hellman-group14-sha1 \(key exchange\)/)])
    for (const { deliveries, severity } of weaker.findings) expect([deliveries, severity]).toEqual([[second.id], 'error'])
    expect((await posture('--code', 'observed_weak_ssh')).findings).toHaveLength(2)
    expect((await posture('--code', 'host_key_replaced')).findings[0]?.evidence).toContainEqual({ label: 'Now', value: old.fingerprints.ed25519 })

    // The host key is exchanged without notice: refused, nothing sent, and the finding says which key was shown.
    await apply(modern, [old.fingerprints.ed25519])
    const third = await send('third.edi')
    expect(third.exit).toBe(4)
    const [refused] = (await posture('--code', 'identity_refused')).findings
    expect(refused).toMatchObject({ severity: 'error', subject: { id: 'acme/sftp' }, deliveries: [third.id], open: { kind: 'partner', id: 'acme' } })
    expect(refused?.evidence).toContainEqual({ label: 'Presented', value: modern.fingerprints.ed25519 })

    await apply(modern, [modern.fingerprints.ed25519])
    expect((await send('fourth.edi')).exit).toBe(0)
    const errors = await posture('--severity', 'error')
    expect(errors.findings.map(({ code }) => code)).toEqual([])
    expect(errors.exit).toBe(0)
    const history = (await here.run('--json', 'posture', 'history')).json<{ snapshots: { resolved: { code: string }[] }[] }>()
    expect(history.snapshots[0]?.resolved.map(({ code }) => code)).toEqual(expect.arrayContaining(['identity_refused', 'silent_downgrade', 'observed_weak_ssh']))
  })
})
