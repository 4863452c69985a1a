/** E-mail to aiosmtpd, which takes mail under STARTTLS and with a password only. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newAuthority } from '../../../e2e/servers/certificates.ts'
import { findPeer } from '../../../e2e/servers/peers.ts'
import { end, listening } from '../../../e2e/servers/processes.ts'
import { freePort } from '../../../e2e/servers/sshd.ts'
import { NotificationSettings } from '../../contract/notifications.ts'
import { createSending } from './channels.ts'

const peer = findPeer('aiosmtpd')
const message = { id: 'msg_1', severity: 'attention', title: 'A delivery failed', body: 'A file for acme was not delivered.', at: 0 } as const
const PASSWORD = 'mail für uns'
const secrets = { password: PASSWORD, secret: null }
const sendMessage = createSending({ connectMs: 3_000, silenceMs: 1_000 })

/** The interpreter that has the library. */
const python = peer.path === null ? '' : (/^#!(\S+)/.exec(readFileSync(peer.path, 'utf8'))?.[1] ?? 'python3')

describe.skipIf(peer.absent)(`e-mail to aiosmtpd${peer.note}`, () => {
  const authority = newAuthority()
  let home: string
  let server: ChildProcess
  let port: number
  const settings = (more: object = {}): NotificationSettings => NotificationSettings.parse({ email: { host: 'localhost', port, from: 'waybill@example.com', to: ['ops@example.com'], username: 'waybill', authority: authority.certificate, ...more } })

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'waybill-smtp-'))
    const { certificate, privateKey } = authority.issue({ names: ['localhost'] })
    writeFileSync(join(home, 'cert.pem'), certificate)
    writeFileSync(join(home, 'key.pem'), privateKey)
    port = await freePort()
    server = spawn(python, [join(import.meta.dirname, '../../../e2e/servers/smtp.py'), String(port), join(home, 'cert.pem'), join(home, 'key.pem'), join(home, 'mail'), PASSWORD], { stdio: 'ignore' })
    await listening(server, port, () => '')
  })
  afterAll(async () => {
    if (server !== undefined) await end(server)
    rmSync(home, { recursive: true, force: true })
  })
  const mails = (): string[] => readdirSync(join(home, 'mail', 'new')).map((name) => readFileSync(join(home, 'mail', 'new', name), 'utf8'))

  it('arrives under TLS', async () => {
    expect(await sendMessage('email', message, settings(), secrets)).toMatch(/^250/)
    expect(mails()).toEqual([expect.stringContaining('Subject: Waybill: A delivery failed')])
  })
  it('hands nothing to a server of another authority, nor to one without TLS', async () => {
    await expect(sendMessage('email', message, settings({ authority: newAuthority('other').certificate }), secrets)).rejects.toMatchObject({ code: 'notify.untrusted' })
    await expect(sendMessage('email', message, settings({ security: 'tls' }), secrets)).rejects.toMatchObject({ code: expect.stringMatching(/^notify\.(untrusted|unreachable)$/) })
    expect(mails()).toHaveLength(1)
  })
  it('hands nothing to a server whose certificate bears another name', async () => {
    await expect(sendMessage('email', message, settings({ host: '127.0.0.1' }), secrets)).rejects.toMatchObject({ code: 'notify.untrusted' })
  })
  it('says in the server\'s words that the password or a recipient is refused', async () => {
    await expect(sendMessage('email', message, settings(), { ...secrets, password: 'wrong' })).rejects.toMatchObject({ code: 'notify.refused', message: expect.stringMatching(/535/) })
    await expect(sendMessage('email', message, settings({ to: ['nobody@example.com'] }), secrets)).rejects.toMatchObject({ code: 'notify.refused', message: expect.stringContaining('no such user here') })
    expect(mails()).toHaveLength(1)
  })
  it('gives a server that falls silent up, and the same one gets the mail later', async () => {
    server.kill('SIGSTOP')
    try {
      await expect(sendMessage('email', message, settings(), secrets)).rejects.toMatchObject({ code: 'notify.unreachable' })
    } finally {
      server.kill('SIGCONT')
    }
    expect(await sendMessage('email', message, settings(), secrets)).toMatch(/^250/)
    expect(mails()).toHaveLength(2)
  })
  it('says that nobody answers', async () => {
    await expect(sendMessage('email', message, settings({ port: 1 }), secrets)).rejects.toMatchObject({ code: 'notify.unreachable' })
  })
})
