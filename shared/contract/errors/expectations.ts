import { catalogue } from './spec.ts'

/** Files that should arrive or leave, and the statement that they did not. */
export const expectationErrors = catalogue({
  'expectation.not_absent': {
    retry: 'never', exit: 2,
    title: 'There is no absence to state',
    happened: 'A statement of absence says that nothing came. For this due time something did, or its time is not over yet. Nothing was signed.',
    todo: ['Look at the files that came: each has a trace of its own.', 'Ask again once the time is over.'],
  },
  'expectation.not_a_statement': {
    retry: 'never', exit: 2,
    title: 'This is no statement of absence',
    happened: 'The file is not one that Waybill writes, or a part of it is missing.',
    todo: ['Ask for the file as it was saved, not for a copy of its text.'],
  },
})
