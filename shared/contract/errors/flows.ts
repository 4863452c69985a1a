import { catalogue } from './spec.ts'

/** Flows, their runs and their schedules. */
export const flowErrors = catalogue({
  'flow.running': {
    retry: 'backoff', exit: 3,
    title: 'This flow is running already',
    happened: 'A run of this flow has not ended yet, and two runs of one flow never overlap. Nothing was started.',
    todo: ['Wait until the run has ended; its page shows what it is doing.'],
  },
  'flow.paused': {
    retry: 'never', exit: 4,
    title: 'This flow is paused',
    happened: 'Someone paused this flow, so it is not started by itself.',
    todo: ['Resume the flow, or run it by hand.'],
  },
  'flow.source_unreadable': {
    retry: 'backoff', exit: 1,
    title: 'The folder of the flow cannot be used',
    happened: 'The folder does not exist, is not reachable, or may not be used by this user. Nothing was sent.',
    todo: ['Check that the folder exists and that the drive or share is connected.', 'Correct the folder in the flow if it has moved.'],
  },
  'flow.calendar_unreadable': {
    retry: 'never', exit: 2,
    title: 'The file of holidays cannot be used',
    happened: 'The file does not exist, may not be read, or has lines that are no dates. Nothing was changed.',
    todo: ['Write a date a line, like 2026-12-25 Christmas, or name an iCalendar file of all-day events.', 'Apply the flow again.'],
  },
  'flow.same_name_inside': {
    retry: 'never', exit: 2,
    title: 'Two files would have one name in the archive',
    happened: 'The step before “Put it into a ZIP file” gives several files the same name. Nothing of this archive was sent.',
    todo: ['Change the template of that step so that the names differ, for example with {stem}.', 'Run the flow again.'],
  },
  'flow.circle': {
    retry: 'never', exit: 2,
    title: 'These flows would start each other for ever',
    happened: 'The flow is to run after another one which, directly or through others, runs after it.',
    todo: ['Break the circle: let one of them run at times or by hand.'],
  },
})
