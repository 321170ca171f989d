/** Following asks again after so long, in milliseconds: cheaper for the server than a consumer, and it leaves nothing. */
export const followPauseMs = 250;
