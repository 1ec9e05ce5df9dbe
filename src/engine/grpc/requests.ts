/** The stream of requests for a method that takes a stream, of which only one request is sent. */
export async function* oneRequest<T>(request: T): AsyncGenerator<T> {
  yield request;
}
