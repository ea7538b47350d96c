//! What is done to its end once it has begun, though whoever asked for it hangs up: their call is dropped then,
//! wherever it stands. So what is stored and has to be told as well, or asked for and has to be noted, is done apart
//! from it.

use tracing::Instrument;

/// Does all of this, whether somebody waits for it or not.
pub async fn whole<T: Send + 'static>(change: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(change.in_current_span()).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            // As if it had been done here.
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and with it whoever waits.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::oneshot;
    use tokio::time::timeout;

    #[tokio::test]
    async fn what_has_begun_is_done_though_nobody_waits_and_who_waits_has_what_it_made() {
        let (go, gone) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let change = whole(async {
            let _ = gone.await;
            tell.send(()).is_ok()
        });
        assert!(timeout(Duration::from_millis(10), change).await.is_err(), "it is given up");
        go.send(()).expect("it goes on");
        assert!(timeout(Duration::from_secs(10), told).await.is_ok_and(|told| told.is_ok()));
        assert_eq!(whole(async { 7 }).await, 7);
    }

    #[tokio::test]
    #[should_panic(expected = "it is broken")]
    async fn what_breaks_breaks_whoever_waits() {
        whole(async { panic!("it is broken") }).await
    }
}
