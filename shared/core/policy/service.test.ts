import { afterEach, describe, expect, it } from 'vitest'
import { createAuditRepository } from '../audit/repository.ts'
import { createAuditTrail } from '../audit/service.ts'
import { systemActor } from '../kernel/actor.ts'
import { createEventBus } from '../kernel/events.ts'
import { as2Partner, context, testStation, type TestStation } from '../messages/conformance/station.ts'
import { createPolicyService } from './service.ts'
import { partnerFacts } from '../partners/facts.ts'
import { createPartnerRepository } from '../partners/repository.ts'
import { systemClock } from '../kernel/clock.ts'

let us: TestStation | null = null
afterEach(async () => await us?.close())

describe('the approved text of one partner', () => {
  it('is what was approved, with who and when, whatever changed since', async () => {
    us = await testStation('US')
    const database = us.database()
    const { policy, station } = us.handlers()
    const service = createPolicyService({
      database, secrets: { get: () => null, put: () => undefined } as never, audit: createAuditTrail(createAuditRepository(database), systemClock), publisher: createEventBus(), raise: () => undefined, clock: systemClock,
      station: () => (station.show({}, context) as { station: never }).station, partners: partnerFacts(createPartnerRepository(database), systemClock), boundItems: () => [], lastObserved: () => ({}),
    })
    us.partner(as2Partner('acme', 'ACME', 'https://acme.example/as2'))
    us.partner(as2Partner('beta', 'BETA', 'https://beta.example/as2'))
    expect(service.approved('acme')).toBeNull()
    await policy.approve({ by: 'M. Ito', reason: 'first look' }, { ...context, actor: systemActor })
    us.partner(as2Partner('acme', 'ACME', 'https://other.example/as2'))
    const approved = service.approved('acme')
    expect(approved).toMatchObject({ by: 'M. Ito', reason: 'first look', at: expect.stringMatching(/^20/) as string })
    expect(approved?.text).toContain('partner acme connection as2 url: "https://acme.example/as2"\n')
    expect(approved?.text).toContain('station name: "US"')
    expect(approved?.text).not.toContain('beta')
    // Its key is not this one.
    expect(approved?.signatureValid).toBe(false)
  })
})
