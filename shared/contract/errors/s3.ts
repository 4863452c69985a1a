import { catalogue } from './spec.ts'

/** What is particular to S3-compatible stores. */
export const s3Errors = catalogue({
  's3.clock_skew': {
    retry: 'backoff', exit: 1,
    title: 'This computer\'s clock and the store\'s differ',
    happened: 'The store refuses requests whose time differs by more than a few minutes, so that recorded ones cannot be replayed. Nothing was sent.',
    todo: ['Set this computer\'s date, time and time zone right (let it set them automatically), then try again.', 'If the clock is right, tell the partner that the store\'s is wrong.'],
  },
  's3.wrong_region': {
    retry: 'never', exit: 1,
    title: 'The bucket is in another region',
    happened: 'The store says that the bucket or the signature belongs to another region than the one in the settings. Nothing was sent.',
    todo: ['Correct the region of the connection; the details may name the right one.', 'Check the endpoint.'],
  },
  's3.checksum_mode': {
    retry: 'never', exit: 1,
    title: 'The store does not take this kind of checksum',
    happened: 'The store refused the way in which checksums are sent; many that are not Amazon\'s do. Nothing was sent.',
    todo: ['Set "Checksums of the SDK" of the connection to when-required.'],
  },
})
