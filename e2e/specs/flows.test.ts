import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import type { Sshd } from '../servers/sshd.ts'
import { collect, partnerFor, type Installation } from '../servers/waybill.ts'
import { atOpenSsh } from './settings.ts'

interface RunResult {
  run: { id: string; outcome: string; counts: { found: number; delivered: number; failed: number; skipped: number } }
  files: { name: string; state: string; skipped: string | null; delivery: string | null; afterwards: string | null; error: { code: string } | null }[]
}

const peer = findPeer('sshd')

describe.skipIf(peer.absent)(`flows from the command line to OpenSSH${peer.note}`, () => {
  let sshd: Sshd
  let here: Installation
  let outbox: string

  atOpenSsh((...setting) => {
    ;[sshd, here] = setting
    outbox = join(here.files, 'Outbox')
    mkdirSync(outbox)
  })

  const there = (): string[] => readdirSync(sshd.folder).toSorted()
  const drop = (name: string, content: string): void => writeFileSync(join(outbox, name), content)
  const apply = async (change: Record<string, unknown> = {}): Promise<void> => {
    const document = { direction: 'outbound', id: 'orders', name: 'Orders', source: { kind: 'folder', folder: outbox }, selection: { patterns: ['*.edi'], stableSeconds: 0 }, targets: ['acme/sftp'], ...change }
    const done = await here.run('flow', 'apply', here.file('flow.json', JSON.stringify(document)))
    expect(done.err).toBe('')
    expect(done.exit).toBe(0)
  }
  const runNow = async (): Promise<RunResult & { exit: number | null }> => {
    const done = await here.run('--json', 'flow', 'run', 'orders')
    return { ...done.json<RunResult>(), exit: done.exit }
  }

  it('says beforehand what it would do, does it once, and puts the files away', async () => {
    drop('a.edi', 'ORDER A')
    drop('b.edi', 'ORDER B')
    drop('notes.txt', 'not ours')
    drop('c.edi.part', 'half')
    await apply({ steps: [{ kind: 'rename', template: '{stem}_{date}{ext}' }] })
    const dry = (await here.run('--json', 'flow', 'dry-run', 'orders')).json<{ send: { name: string; plan: { remoteName: string; protection: { label: string }[] } }[]; skip: { name: string; target: string | null; reason: string }[] }>()
    expect(dry.send.map(({ name, plan }) => [name, plan.remoteName])).toEqual([['a.edi', expect.stringMatching(/^a_\d{8}\.edi$/)], ['b.edi', expect.stringMatching(/^b_\d{8}\.edi$/)]])
    // What stays is told too, with the reason; a run itself does not count it.
    expect(dry.skip).toEqual([
      { name: 'c.edi.part', target: null, reason: expect.stringContaining('still being written') },
      { name: 'notes.txt', target: null, reason: 'it fits none of *.edi' },
    ])
    expect(there()).toEqual([])
    const first = await runNow()
    expect([first.exit, first.run.outcome, first.run.counts]).toEqual([0, 'delivered', { found: 2, deliveries: 2, delivered: 2, failed: 0, open: 0, skipped: 0 }])
    expect(there()).toEqual(dry.send.map(({ plan }) => plan.remoteName))
    expect([readdirSync(outbox).toSorted(), readdirSync(join(outbox, 'Sent')).toSorted()]).toEqual([['Sent', 'c.edi.part', 'notes.txt'], ['a.edi', 'b.edi']])
    expect(await runNow()).toMatchObject({ exit: 0, run: { outcome: 'nothing' } })
    const audit = (await here.run('--json', 'audit', 'verify')).json<{ ok: boolean }>()
    expect(audit.ok).toBe(true)
  })

  it('skips what went before, takes a release with its reason, and tells duplicates from legitimate repeats', async () => {
    await apply({ afterwards: 'keep' })
    drop('a.edi', 'ORDER A')
    const [sent] = (await runNow()).files
    expect(await runNow()).toMatchObject({ run: { outcome: 'nothing', counts: { skipped: 1 } }, files: [{ skipped: 'duplicate' }] })
    // The same content and name, written again.
    utimesSync(join(outbox, 'a.edi'), new Date(), new Date(Date.now() - 5000))
    expect(await runNow()).toMatchObject({ files: [{ skipped: 'duplicate' }] })
    rmSync(join(sshd.folder, 'a.edi'))
    expect((await here.run('flow', 'release', 'orders', sent?.delivery ?? '', '--reason', 'Acme lost it')).exit).toBe(0)
    expect(await runNow()).toMatchObject({ exit: 0, run: { outcome: 'delivered' } })
    expect(there()).toEqual(['a.edi'])
    expect(await runNow()).toMatchObject({ files: [{ skipped: 'duplicate' }] })
    const released = (await here.run('--json', 'audit', 'list', '--type', 'flow.file_released')).json<{ events: { data: { reason: string } }[] }>()
    expect(released.events.map(({ data }) => data.reason)).toEqual(['Acme lost it'])

    await apply({ afterwards: 'delete', duplicates: { emptyFiles: 'send' } })
    for (const day of [1, 2]) {
      drop('empty.edi', '')
      expect((await runNow()).run.counts.delivered, `day ${day}`).toBe(1)
      rmSync(join(sshd.folder, 'empty.edi'))
    }
  })

  it('does not try again by itself what trust refused; a person may once it is mended', async () => {
    drop('a.edi', 'ORDER A')
    await apply()
    await here.run('partner', 'apply', here.file('wrong.json', JSON.stringify(partnerFor(sshd, { hostKeys: [`SHA256:${'A'.repeat(43)}`] }))))
    const refused = await runNow()
    expect([refused.exit, refused.run.outcome, refused.files[0]?.error?.code]).toEqual([4, 'failed', 'sftp.host_key_changed'])
    expect(existsSync(join(outbox, 'a.edi'))).toBe(true)
    await here.run('partner', 'apply', here.file('right.json', JSON.stringify(partnerFor(sshd))))
    const mended = await runNow()
    expect(mended).toMatchObject({ exit: 0, run: { outcome: 'delivered' }, files: [{ delivery: refused.files[0]?.delivery, state: 'delivered' }] })
    expect(readFileSync(join(sshd.folder, 'a.edi'), 'utf8')).toBe('ORDER A')
    expect(existsSync(join(outbox, 'a.edi'))).toBe(false)
  })

  it('sends to the target that failed only, and puts the file away once everybody has it', async () => {
    const second = join(here.files, 'share')
    const document = partnerFor(sshd)
    await here.run('partner', 'apply', here.file('two.json', JSON.stringify({ ...document, connections: [...(document['connections'] as object[]), { id: 'share', protocol: 'folder', path: second }] })))
    await apply({ targets: ['acme/sftp', 'acme/share'], retry: { windowMinutes: 1 } })
    drop('a.edi', 'ORDER A')
    const first = await runNow()
    expect(first.files.map(({ state }) => state).toSorted()).not.toEqual(['delivered', 'delivered'])
    expect([there(), existsSync(join(outbox, 'a.edi'))]).toEqual([['a.edi'], true])
    mkdirSync(second)
    const again = await runNow()
    expect(again.files.map(({ state, skipped }) => skipped ?? state)).toEqual(['delivered', 'duplicate'])
    expect([existsSync(join(outbox, 'a.edi')), readdirSync(join(outbox, 'Sent'))]).toEqual([false, ['a.edi']])
    expect([readdirSync(second).filter((name) => !name.startsWith('.')), there()]).toEqual([['a.edi'], ['a.edi']])
  })

  it('packs what goes out and unpacks what comes in, each archive once, and finds the files inside by their own names', async () => {
    const share = join(here.files, 'share')
    mkdirSync(share)
    const document = partnerFor(sshd)
    await here.run('partner', 'apply', here.file('two.json', JSON.stringify({ ...document, connections: [...(document['connections'] as object[]), { id: 'share', protocol: 'folder', path: share, receive: { stableSeconds: 0, after: 'delete' } }] })))
    drop('a.edi', 'ORDER A')
    drop('b.edi', 'ORDER B')
    await apply({ targets: ['acme/sftp', 'acme/share'], steps: [{ kind: 'zip', files: 'together', template: 'day.zip' }], afterwards: 'keep' })
    const dry = await here.run('flow', 'dry-run', 'orders')
    expect(dry.out).toContain('1. all of a run together put into a ZIP file named day.zip')
    expect(dry.out).toContain('2 files together (a.edi, b.edi) → day.zip')
    rmSync(share, { recursive: true })
    const first = await runNow()
    expect([there(), first.run.counts.delivered, first.files.length]).toEqual([['day.zip'], 2, 4])
    const sent = readFileSync(join(sshd.folder, 'day.zip'))
    mkdirSync(share)
    const again = await runNow()
    // Only to the target that failed, and the very same bytes.
    expect([again.run.counts.delivered, again.files.filter(({ skipped }) => skipped === 'duplicate').length, readFileSync(join(share, 'day.zip')).equals(sent)]).toEqual([2, 2, true])
    drop('c.edi', 'ORDER C')
    await apply({ targets: ['acme/sftp'], steps: [{ kind: 'zip' }], afterwards: 'keep', keepDays: 90 })
    expect(await runNow()).toMatchObject({ run: { counts: { delivered: 1, skipped: 2 } } })
    expect(there()).toEqual(['c.edi.zip', 'day.zip'])
    const traced = (await here.run('--json', 'audit', 'trace', 'a.edi')).json<{ deliveries: { delivery: { remoteName: string } }[] }>()
    expect(traced.deliveries.map(({ delivery }) => delivery.remoteName)).toEqual(['day.zip', 'day.zip'])
    const tooShort = await here.run('flow', 'apply', here.file('short.json', JSON.stringify({ direction: 'outbound', id: 'short', name: 'Short', source: { kind: 'folder', folder: outbox }, targets: ['acme/sftp'], keepDays: 30 })))
    expect([tooShort.exit, tooShort.err]).toEqual([2, expect.stringContaining('90 days are agreed with acme')])

    await here.run('flow', 'apply', here.file('in.json', JSON.stringify({ direction: 'inbound', id: 'collect', name: 'Collect', targets: ['acme/share'], steps: [{ kind: 'unzip' }] })))
    const other = await here.run('flow', 'apply', here.file('other.json', JSON.stringify({ direction: 'inbound', id: 'other', name: 'Other', targets: ['acme/share'] })))
    expect([other.exit, other.err]).toEqual([2, expect.stringContaining('treated alike')])
    // By hand, too: what is collected there is unpacked.
    expect((await here.run('receive', 'acme/share')).exit).toBe(0)
    const inbox = join(here.workspace, 'partners', 'acme', 'Inbox')
    expect(readdirSync(inbox).map((name) => [name, readFileSync(join(inbox, name), 'utf8')])).toEqual([['a.edi', 'ORDER A'], ['b.edi', 'ORDER B']])
    writeFileSync(join(share, 'bad.zip'), sent.subarray(0, 60))
    const held = (await here.run('--json', 'flow', 'run', 'collect')).json<RunResult>()
    expect([held.run.outcome, held.files.map(({ state, error }) => [state, error?.code]), readdirSync(inbox).length, existsSync(join(share, 'bad.zip'))]).toEqual(['attention', [['held', 'zip.damaged']], 2, true])
    expect((await here.run('--json', 'audit', 'verify')).json<{ ok: boolean }>().ok).toBe(true)
  })

  it('serves: runs every two seconds and when a file appears, writes each due time down, and goes on after kill -9', async () => {
    await apply({ trigger: { kind: 'schedule', schedule: { kind: 'cron', expression: '*/2 * * * * *', zone: 'UTC' } } })
    await here.run('flow', 'apply', here.file('watch.json', JSON.stringify({ direction: 'outbound', id: 'drop', name: 'Drop', source: { kind: 'folder', folder: outbox }, selection: { patterns: ['*.drop'], stableSeconds: 1 }, targets: ['acme'], trigger: { kind: 'watch' } })))
    const names: string[] = []
    const until = async (name: string): Promise<void> => {
      for (let look = 0; look < 200 && !existsSync(join(sshd.folder, name)); look++) await new Promise((resolve) => void setTimeout(resolve, 100))
      expect(existsSync(join(sshd.folder, name)), name).toBe(true)
    }
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const serving = here.start('serve')
      const ended = collect(serving)
      try {
        await new Promise((resolve) => void serving.stdout?.once('data', resolve))
        for (const ending of ['edi', 'drop']) {
          names.push(`${signal}.${ending}`)
          drop(`${signal}.${ending}`, `${signal} ${ending}`)
          await until(`${signal}.${ending}`)
        }
      } finally {
        serving.kill(signal)
      }
      expect((await ended).exit).toBe(signal === 'SIGTERM' ? 0 : null)
    }
    expect(there()).toEqual(names.toSorted())
    const { due } = (await here.run('--json', 'flow', 'due', 'orders')).json<{ due: { at: string; status: string }[] }>()
    const times = due.map(({ at }) => Date.parse(at)).toSorted((left, right) => left - right)
    for (const [index, time] of times.entries()) if (index > 0) expect(time - (times[index - 1] ?? 0)).toBe(2000)
    expect(due.some(({ status }) => status === 'ran')).toBe(true)
    expect((await here.run('--json', 'audit', 'verify')).json<{ ok: boolean }>().ok).toBe(true)
  })

  it('prints its schema, the next times, and refuses what is wrong by name', async () => {
    await apply({ trigger: { kind: 'schedule', schedule: { kind: 'at', times: ['08:00'], days: ['mon'], zone: 'Europe/Berlin' } } })
    expect((await here.run('--json', 'flow', 'schema')).json<{ title: string }>().title).toBe('Waybill flow')
    expect((await here.run('--json', 'flow', 'next', 'orders')).json<{ next: string[]; zone: string }>()).toMatchObject({ next: expect.arrayContaining([expect.stringMatching(/T0[67]:00:00\.000Z$/)]), zone: 'Europe/Berlin' })
    const wrong = await here.run('flow', 'apply', here.file('wrong.json', JSON.stringify({ direction: 'outbound', id: 'x', name: 'X', source: { kind: 'folder', folder: 'relative' }, targets: ['nobody'] })))
    expect([wrong.exit, wrong.err]).toEqual([2, expect.stringContaining('targets.0: there is no partner nobody')])
    // A document is checked and tried dry without being kept.
    drop('a.edi', 'ORDER A')
    const fresh = here.file('fresh.json', JSON.stringify({ direction: 'outbound', id: 'fresh', name: 'Fresh', source: { kind: 'folder', folder: outbox }, selection: { stableSeconds: 0 }, targets: ['acme'] }))
    expect((await here.run('flow', 'check', fresh)).out).toContain('fresh is valid: by hand')
    expect((await here.run('--json', 'flow', 'dry-run', '--file', fresh)).json()).toMatchObject({ flow: 'fresh', send: [{ name: 'a.edi' }] })
    expect([(await here.run('flow', 'show', 'fresh')).exit, (await here.run('flow', 'dry-run')).exit]).toEqual([2, 2])
    rmSync(outbox, { recursive: true })
    const gone = await here.run('flow', 'run', 'orders')
    expect([gone.exit, gone.err]).toEqual([1, expect.stringContaining('the whole run: The folder of the flow cannot be used')])
    mkdirSync(outbox)
    await here.run('flow', 'pause', 'orders', '--reason', 'holidays')
    expect((await here.run('--json', 'flow', 'list')).json<{ flows: { paused: { reason: string } }[] }>().flows[0]?.paused.reason).toBe('holidays')
    const sent = await here.run('send', 'acme', here.file('by-hand.edi', 'X'), '--flow', 'orders')
    expect([sent.exit, there(), existsSync(join(here.files, 'by-hand.edi'))]).toEqual([0, ['by-hand.edi'], true])
  })
})
