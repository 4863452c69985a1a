/** What people do while the clock is ahead holds once it is right; what is planned for a day stays planned. */
import { afterEach, expect, it } from 'vitest'
import { createTestTrust, tester, type TestTrust } from './test-trust.ts'

let here: TestTrust
afterEach(() => here.close())

it('a binding made or ended while the clock was ahead holds from now on, and a planned one from its day', async () => {
  here = createTestTrust('2026-06-01T12:00:00.000Z')
  const { trust } = here
  const key = async (label: string): Promise<string> => (await trust.generate({ kind: 'ssh', algorithm: 'ed25519', label }, tester)).id
  const [ended, made, planned] = [await key('ended'), await key('made'), await key('planned')]
  trust.bind(ended, { partner: 'acme', role: 'ssh-client' }, tester)
  const active = (): string[] => trust.materials.of('acme', 'sftp', 'ssh-client').map(({ item }) => item.label).toSorted()
  here.setTime('2027-06-01T12:00:00.000Z')
  trust.bind(made, { partner: 'acme', role: 'ssh-client' }, tester)
  trust.bind(planned, { partner: 'acme', role: 'ssh-client', activeFrom: '2027-08-01T00:00:00.000Z' }, tester)
  trust.unbind(trust.show(ended).bindings[0]?.id ?? '', tester)
  expect(active()).toEqual(['made'])
  here.setTime('2026-06-01T12:05:00.000Z')
  expect(active()).toEqual(['ended'])
  const version = trust.materials.version()
  trust.clockWentBack()
  expect(active()).toEqual(['made'])
  expect(trust.materials.version()).not.toBe(version)
  expect(trust.show(made).bindings[0]?.activeFrom).toBe('2026-06-01T12:05:00.000Z')
  expect(trust.show(ended).bindings[0]?.activeUntil).toBe('2026-06-01T12:05:00.000Z')
  here.setTime('2027-08-01T00:00:01.000Z')
  expect(active()).toEqual(['made', 'planned'])
  trust.clockWentBack()
  expect(here.audited.filter((type) => type === 'trust.windows_mended')).toHaveLength(1)
})
