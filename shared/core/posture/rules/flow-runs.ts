/** Flows: whether what should happen by itself does. */
import type { FlowFact, PostureFacts } from '../facts.ts'
import { dayOf, daysBetween, daysText } from '../days.ts'
import { fact, flowRule, type Hit, type Rule, type RuleText } from '../rule.ts'

const PAUSED_DAYS = 7
const NEVER_RAN_DAYS = 7
const EMPTY_RUNS = 5
const FAILED_RUNS = 3
const MISSED = 3
const SHORT_RETRY_MINUTES = 60
const SHORT_WINDOW_DAYS = 7
const OUTAGE_DAYS = 90
const DAILY_DAYS = 5
/** At named hours, on every day of the month, and on any, or Monday to Friday, of the week. */
const DAILY_CRON = /^(\d+ )?\d[\d,]* \d[\d,]* \* \* (\*|1-5|mon-fri|0-6|1-7)$/i
/** Six tries with pauses from 30 s to 30 min; AS2 goes on for a day. */
const USUAL_RETRY_MINUTES = 45
const AS2_RETRY_MINUTES = 24 * 60

function rule(text: Omit<RuleText, 'domain'>, find: (flow: FlowFact, facts: PostureFacts) => Pick<Hit, 'message' | 'evidence' | 'severity' | 'open' | 'deliveries'> | null): Rule {
  return flowRule({
    domain: 'flow',
    ...text,
    find: (facts) =>
      facts.flows.flatMap((flow) => {
        const hit = find(flow, facts)
        const partners = [...new Set(flow.document.targets.map((target) => target.split('/')[0] ?? target))]
        return hit === null ? [] : [{ open: { kind: 'flow' as const, id: flow.document.id }, ...hit, subject: { kind: 'flow' as const, id: flow.document.id, label: flow.document.name }, partner: partners.length === 1 ? (partners[0] ?? null) : null }]
      }),
  })
}

const automatic = ({ document }: FlowFact): boolean => document.trigger.kind !== 'manual'

export const flowRunRules: readonly Rule[] = [
  rule({ code: 'flow_paused_long', severity: 'warning', title: 'A flow is paused for long', rationale: 'What is paused for a holiday is easily forgotten; nothing fails, so nobody hears of it.', sources: ['Xferity: paused flows', 'Files.com: "A missing file is the failure nobody catches"'], suggestion: 'Resume the flow, or remove it if it is no longer needed.' }, ({ document, paused }, { now }) =>
    paused === null || daysBetween(paused.at, now) < PAUSED_DAYS || (paused.until !== null && Date.parse(paused.until) > now) ? null : { message: `${document.name} is paused for ${daysText(daysBetween(paused.at, now))}`, evidence: [fact('Since', dayOf(paused.at)), ...(paused.reason === null ? [] : [fact('Reason', paused.reason)])] }),
  rule({ code: 'flow_never_ran', severity: 'warning', title: 'A flow has never run', rationale: 'Its schedule may never come, its folder may be the wrong one, or the program is not running when it is due.', sources: ['Xferity: missing scheduled runs are the first sign'], suggestion: 'Look when it is due next, and run it once by hand.' }, (flow, { now }) =>
    !automatic(flow) || flow.paused !== null || flow.recent.length > 0 || daysBetween(flow.updatedAt, now) < NEVER_RAN_DAYS ? null : { message: `${flow.document.name} has not run since it was entered on ${dayOf(flow.updatedAt)}` }),
  rule({ code: 'flow_always_empty', severity: 'info', title: 'A flow finds nothing, again and again', rationale: 'Either the files now come under another name or in another folder, or nobody needs the flow.', sources: ['Files.com: Expectations'], suggestion: 'Compare folder and patterns with what is really there; if files should come, let an empty run call for attention.' }, (flow) =>
    flow.recent.length < EMPTY_RUNS || flow.recent.slice(0, EMPTY_RUNS).some((outcome) => outcome !== 'nothing') || flow.document.trigger.kind === 'watch' ? null : { message: `the last ${flow.recent.filter((outcome) => outcome === 'nothing').length} runs of ${flow.document.name} found no file` }),
  rule({ code: 'flow_failing', severity: 'error', title: 'A flow fails at each run', rationale: 'Nothing arrives by it until somebody acts; more tries give the same result.', sources: ['Google SRE book: alert on symptoms'], suggestion: 'Open the newest run and follow the steps of its error.' }, (flow) =>
    flow.recent.length < FAILED_RUNS || flow.recent.slice(0, FAILED_RUNS).some((outcome) => outcome !== 'failed' && outcome !== 'refused') ? null : { message: `the last ${FAILED_RUNS} runs of ${flow.document.name} ended ${flow.recent[0] ?? 'failed'}` }),
  rule({ code: 'flow_missed', severity: 'warning', title: 'A flow misses its times', rationale: 'The computer slept or the program was closed when it was due.', sources: ['Waybill: every due time has a row'], suggestion: 'Let Waybill start with the computer, keep the computer awake at those times, or move the schedule.' }, (flow) =>
    flow.missedThisWeek < MISSED ? null : { message: `${flow.document.name} missed ${flow.missedThisWeek} of its times in the last week` }),
  rule({ code: 'flow_undecided', severity: 'warning', title: 'Missed times wait for a decision', rationale: 'Until somebody decides, the files of those times do not travel.', sources: ['Waybill: missed runs may ask'], suggestion: 'Open the flow and choose for each missed time: run it now, or skip it.' }, (flow) =>
    flow.pending === 0 ? null : { message: `${flow.pending} missed ${flow.pending === 1 ? 'time' : 'times'} of ${flow.document.name} wait for a decision` }),
  rule({ code: 'flow_duplicates_weak', severity: 'info', title: 'The duplicate rule forgets quickly', rationale: 'A file that comes back after the window is sent again, and an order may be processed twice.', sources: ['RFC 4130 §5.5 (duplicates)', 'Xferity idempotency'], suggestion: 'Edit the flow and leave "Within (days)" empty, unless the same content is really meant to go again.' }, ({ document }) =>
    document.direction !== 'outbound' || document.duplicates.windowDays === undefined || document.duplicates.windowDays >= SHORT_WINDOW_DAYS ? null : { message: `${document.name} remembers files for ${daysText(document.duplicates.windowDays)} only` }),
  rule({ code: 'flow_retry_short', severity: 'info', title: 'A flow gives up quickly', rationale: 'Maintenance of a partner\'s server often takes an hour or more; what is given up then needs a person.', sources: ['OpenAS2 resend, MOVEit and EFT retry defaults'], suggestion: 'Edit the flow and let it try for some hours, or leave "Try for" empty.' }, ({ document }) =>
    document.retry.windowMinutes === undefined || document.retry.windowMinutes >= SHORT_RETRY_MINUTES ? null : { message: `${document.name} tries for ${document.retry.windowMinutes} minutes only` }),
  rule({ code: 'flow_no_notification', severity: 'warning', title: 'Nobody hears when a flow fails', rationale: 'It runs by itself, and neither the desktop nor e-mail nor a webhook tells anybody when something needs a look.', sources: ['Google SRE book: alert on symptoms', 'Files.com: failed syncs stay unnoticed'], suggestion: 'Under Settings, let the desktop notify you, or enter an e-mail address for what needs a look.', }, (flow, { notices }) =>
    !automatic(flow) || flow.paused !== null || notices.native || notices.sent ? null : { message: `${flow.document.name} runs by itself, and nobody is told when it fails`, open: { kind: 'settings', id: 'notifications' } }),
  rule({ code: 'flow_retry_below_outages', severity: 'warning', title: 'A flow gives up before the partner is back', rationale: 'The partner\'s server was down for longer than this flow tries: at the next outage like that its files need a person.', sources: ['MOVEit and EFT: retry settings', 'Waybill: observed against declared'], suggestion: 'Set "Try for" of the flow to more than the longest outage that is named.' }, ({ document }, { observations, partners, now }) => {
    const outages = observations.filter(({ aspect, partner, connection, lastSeen }) => aspect === 'outage' && daysBetween(lastSeen, now) <= OUTAGE_DAYS && document.targets.some((target) => target === partner || target === `${partner}/${connection}`))
    const isMessages = (partner: string, connection: string): boolean => partners.find(({ document: { id } }) => id === partner)?.document.connections.find(({ id }) => id === connection)?.protocol === 'as2'
    const minutes = ({ firstSeen, lastSeen }: { readonly firstSeen: string; readonly lastSeen: string }): number => Math.round((Date.parse(lastSeen) - Date.parse(firstSeen)) / 60_000)
    const longer = outages.filter((outage) => minutes(outage) > (document.retry.windowMinutes ?? (isMessages(outage.partner, outage.connection) ? AS2_RETRY_MINUTES : USUAL_RETRY_MINUTES))).toSorted((left, right) => minutes(right) - minutes(left))
    const [longest] = longer
    return longest === undefined ? null : { message: `${document.name} tries for ${document.retry.windowMinutes ?? 'the usual time of about 45'} minutes; ${longest.partner} was down for ${minutes(longest)} minutes on ${dayOf(longest.firstSeen)}`, evidence: longer.slice(0, 3).map((outage) => fact('Down', `${outage.firstSeen} to ${outage.lastSeen}`)), deliveries: longest.deliveries }
  }),
  rule({ code: 'flow_no_expectation', severity: 'info', title: 'Nobody notices when a daily file does not come', rationale: 'The flow runs each day and is content with nothing: a file that is missing makes no error.', sources: ['Files.com: "A missing file is the failure nobody catches"', 'Files.com: Expectations'], suggestion: 'Say on the flow\'s page by when a file is expected, or let a run that finds nothing call for attention.' }, (flow, { expectations }) => {
    const { document } = flow
    const watched = expectations.some(({ enabled, flow: of, partner, connection, direction }) => enabled && (of === document.id || (of === undefined && direction === document.direction && document.targets.some((target) => target === partner || (connection === undefined ? target.startsWith(`${partner}/`) : target === `${partner}/${connection}`)))))
    return !isDaily(document) || flow.paused !== null || document.nothingFound === 'attention' || watched ? null : { message: `${document.name} runs on most days, and nothing tells when its file is missing` }
  }),
]

/** At least on most days of the week. */
function isDaily({ trigger }: FlowFact['document']): boolean {
  if (trigger.kind !== 'schedule') return false
  const { schedule } = trigger
  if (schedule.kind === 'at') return (schedule.days?.length ?? 7) >= DAILY_DAYS
  return schedule.kind === 'cron' && DAILY_CRON.test(schedule.expression.trim())
}
