/** E-mail to aiosmtpd, which takes mail under STARTTLS only. */
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
import { sendMessage } from './channels.ts'

const peer = findPeer('aiosmtpd')
const message = { id: 'msg_1', severity: 'attention', title: 'A delivery failed', body: 'A file for acme was not delivered.', at: 0 } as const
const secrets = { password: null, secret: null }

describe.skipIf(peer.absent)(`e-mail to aiosmtpd${peer.note}`, () => {
  const authority = newAuthority()
  let home: string
  let server: ChildProcess
  let port: number
  const settings = (more: object = {}): NotificationSettings => NotificationSettings.parse({ email: { host: 'localhost', port, from: 'waybill@example.com', to: ['ops@example.com'], authority: authority.certificate, ...more } })

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'waybill-smtp-'))
    const { certificate, privateKey } = authority.issue({ names: ['localhost'] })
    writeFileSync(join(home, 'cert.pem'), certificate)
    writeFileSync(join(home, 'key.pem'), privateKey)
    port = await freePort()
    server = spawn(peer.path ?? 'aiosmtpd', ['-n', '-l', `127.0.0.1:${port}`, '--tlscert', join(home, 'cert.pem'), '--tlskey', join(home, 'key.pem'), '-c', 'aiosmtpd.handlers.Mailbox', join(home, 'mail')], { stdio: 'ignore' })
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
  it('says that nobody answers', async () => {
    await expect(sendMessage('email', message, settings({ port: 1 }), secrets)).rejects.toMatchObject({ code: 'notify.unreachable' })
  })
})
