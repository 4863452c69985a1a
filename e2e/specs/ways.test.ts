import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { startSshd, type Sshd } from '../servers/sshd.ts'
import { newInstallation, partnerFor, setUp, type Installation } from '../servers/waybill.ts'

const peer = findPeer('sshd')
const putty = findPeer('puttygen')

interface Item {
  kind: string
  fingerprint: string
  bindings: { role: string; partner: string | null; connection: string | null }[]
  provenance: { source: string; note?: string }[]
}

describe.skipIf(peer.absent)(`ways to a partner from the command line${peer.note}`, () => {
  let here: Installation
  const running: Sshd[] = []
  const start = async (options?: Parameters<typeof startSshd>[0]): Promise<Sshd> => {
    const sshd = await startSshd(options)
    running.push(sshd)
    return sshd
  }
  beforeEach(() => {
    here = newInstallation()
  })
  afterEach(async () => {
    here.remove()
    for (const sshd of running.splice(0)) await sshd.stop()
  })
  const sending = async (name: string): Promise<{ exit: number | null; err: string }> => await here.run('--json', 'send', 'acme', here.file(name, `content of ${name}`))
  const send = async (name: string): Promise<number | null> => (await sending(name)).exit

  it('known_hosts names the keys of the server, and what it revokes', async () => {
    const sshd = await start()
    await setUp(here, partnerFor(sshd, { hostKeys: [] }))
    expect(await send('before.edi')).toBe(4)
    const known = here.file('known_hosts', `other.example ${sshd.hostKeys.rsa}\n[127.0.0.1]:${sshd.port} ${sshd.hostKeys.ed25519}\n@revoked * ${sshd.hostKeys.ecdsa}\n`)
    execFileSync('ssh-keygen', ['-q', '-H', '-f', known], { stdio: 'ignore' })
    const imported = await here.run('--json', 'trust', 'import', known, '--partner', 'acme', '--role', 'ssh-host')
    expect(imported.exit, imported.err).toBe(0)
    const { items } = imported.json<{ items: Item[] }>()
    expect(items.map(({ kind, fingerprint }) => [kind, fingerprint])).toEqual([
      ['ssh-host', sshd.fingerprints.ed25519],
      ['ssh-revoked', sshd.fingerprints.ecdsa],
    ])
    expect(items[0]).toMatchObject({ bindings: [{ role: 'ssh-host', partner: 'acme', connection: 'sftp' }], provenance: [{ source: 'partner-file', note: expect.stringContaining('known_hosts, line 2') as string }] })
    expect(await send('after.edi')).toBe(0)
    const nothing = await here.run('--json', 'trust', 'import', here.file('others', `other.example ${sshd.hostKeys.rsa}\n`), '--partner', 'acme', '--role', 'ssh-host')
    expect([nothing.exit, nothing.err]).toEqual([2, expect.stringContaining(`names no key for 127.0.0.1:${sshd.port}`)])
  })

  it('an authority in the document proves the server; the document that is shown can be applied again', async () => {
    const sshd = await start({ certify: ['-n', '127.0.0.1'] })
    await setUp(here, partnerFor(sshd, { hostKeys: [], hostAuthorities: [sshd.authority], revokedHostKeys: [sshd.fingerprints.rsa] }))
    expect(await send('certified.edi')).toBe(0)
    const shown = (await here.run('--json', 'partner', 'show', 'acme')).json<{ document: unknown }>()
    const again = await here.run('--json', 'partner', 'apply', here.file('again.json', JSON.stringify(shown.document)))
    expect(again.json<{ changed: boolean }>().changed).toBe(false)
    const withdrawn = partnerFor(sshd, { hostKeys: [], hostAuthorities: [] })
    await here.run('partner', 'apply', here.file('withdrawn.json', JSON.stringify(withdrawn)))
    const refused = await sending('withdrawn.edi')
    expect(refused.exit, refused.err).toBe(4)
  })

  it('a jump host with its own key and sign-in, everything sealed', async () => {
    const [gate, sshd] = [await start(), await start()]
    const jump = { host: '127.0.0.1', port: gate.port, username: gate.username, auth: { method: 'key', privateKey: gate.privateKey }, hostKeys: [gate.fingerprints.ed25519] }
    await setUp(here, partnerFor(sshd, { jump }))
    expect(await send('through.edi')).toBe(0)
    const shown = await here.run('--json', 'partner', 'show', 'acme')
    expect(shown.out).not.toContain('PRIVATE KEY')
    expect(await gate.finalLog()).toMatch(/Accepted publickey/)
    const again = await here.run('--json', 'partner', 'apply', here.file('again.json', JSON.stringify(shown.json<{ document: unknown }>().document)))
    expect([again.exit, again.json<{ changed: boolean }>().changed]).toEqual([0, false])
    expect(await send('through-again.edi')).toBe(0)
    const wrong = partnerFor(sshd, { jump: { ...jump, hostKeys: [sshd.fingerprints.ed25519] } })
    await here.run('partner', 'apply', here.file('wrong.json', JSON.stringify(wrong)))
    expect(await send('refused.edi')).toBe(4)
    expect(readdirSync(sshd.folder).toSorted()).toEqual(['through-again.edi', 'through.edi'])
  })

  it.skipIf(putty.absent)(`a PuTTY key, by document and by import${putty.note}`, async () => {
    const sshd = await start()
    const [plain, ppk, passphrase] = [here.file('plain', sshd.privateKey), join(here.files, 'key.ppk'), here.file('passphrase', 'open sesame')]
    execFileSync('puttygen', [plain, '-O', 'private', '-o', ppk, '--new-passphrase', passphrase])
    rmSync(plain)
    await setUp(here, partnerFor(sshd, { auth: { method: 'key', privateKey: { file: ppk }, passphrase: { file: passphrase } } }))
    expect(await send('putty.edi')).toBe(0)
    const imported = await here.run('--json', 'trust', 'import', ppk, '--password-file', passphrase)
    expect(imported.json<{ items: Item[] }>().items).toMatchObject([{ kind: 'ssh-client' }])
    expect((await here.run('--json', 'trust', 'import', ppk)).err).toContain('passphrase')
  })

  it('a folder that both sides see', async () => {
    const share = join(here.files, 'share')
    mkdirSync(join(share, 'in'), { recursive: true })
    await setUp(here, { id: 'acme', name: 'Acme GmbH', connections: [{ protocol: 'folder', path: share, folder: 'in', verify: 'read-back' }] })
    const tested = await here.run('--json', 'connection', 'test', 'acme')
    expect(tested.exit, tested.err).toBe(0)
    expect(await send('orders.edi')).toBe(0)
    expect(readdirSync(join(share, 'in'))).toEqual(['orders.edi'])
    expect(readFileSync(join(share, 'in', 'orders.edi'), 'utf8')).toBe('content of orders.edi')
    const other = here.file('orders.edi', 'another content')
    expect((await here.run('--json', 'send', 'acme', other)).exit).toBe(4)
    expect(readFileSync(join(share, 'in', 'orders.edi'), 'utf8')).toBe('content of orders.edi')
  })
})
