//! When the results of windows come out, and what becomes of them.

use crate::dataflow::window::Emission;
use crate::schema::Duration;

/// Results at intervals of the clock.
///
/// # Errors
///
/// What is wrong with the interval.
pub(in crate::table) fn clock_interval(interval: Duration) -> Result<Emission, String> {
    match i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX) {
        nanoseconds @ 1.. => Ok(Emission::Early(nanoseconds)),
        _ => Err(format!("the interval {interval:?} is not positive")),
    }
}

/// When results come out, and what becomes of them, for windows of all kinds.
macro_rules! emission {
    ($Windows:ident<$T:ident, $($Type:ident,)* | $M:ident $(, $After:ident)*> of $rows:ident) => {
        impl<$T, $($Type,)* $M $(, $After)*> $Windows<$T, $($Type,)* $M $(, $After)*> {
            /// Lets the result of a window come out whenever it changes, the former one retracted:
            /// the default. So results are right at every moment, and those that are there when
            /// the window is over stay.
            pub fn every_change(self) -> $Windows<$T, $($Type,)* Changing $(, $After)*> {
                self.emitting(Emission::EveryChange)
            }

            /// Lets the result of a window come out once, in the epoch in which the watermark
            /// reaches its end. So results make a stream.
            ///
            /// # Errors
            ///
            /// Rows without a watermark are a
            /// [`BuildError::Argument`](crate::error::BuildError::Argument).
            #[track_caller]
            pub fn when_final(self) -> $Windows<$T, $($Type,)* Final $(, $After)*> {
                self.need_watermarks("when_final", Location::caller());
                if self.results().forgets {
                    let problem = "results that come out once, when their window is over, cannot                                    be taken back then: leave out `forget_results`";
                    self.$rows().mistake("when_final", Location::caller(), problem.to_owned());
                }
                self.emitting(Emission::WhenFinal)
            }

            /// Lets changed results come out at most once in an interval of the clock, and when
            /// their window is over. The first change waits for an interval, too.
            ///
            /// **Time.** A function of the history. In tests the clock is that of the
            /// [`Harness`](crate::testing::Harness).
            ///
            /// # Errors
            ///
            /// An interval that is not positive is a
            /// [`BuildError::Argument`](crate::error::BuildError::Argument).
            #[track_caller]
            pub fn early(
                self,
                interval: Duration,
            ) -> $Windows<$T, $($Type,)* Changing $(, $After)*> {
                let emission = clock_interval(interval).unwrap_or_else(|problem| {
                    self.$rows().mistake("early", Location::caller(), problem);
                    Emission::EveryChange
                });
                self.emitting(emission)
            }
        }

        impl<$T, $($Type,)* $($After),*> $Windows<$T, $($Type,)* Changing $(, $After)*> {
            /// Takes the results of a window back when it is over, so that only windows that still
            /// change are in the table. Without it they stay.
            ///
            /// ```
            /// use pathway::prelude::*;
            /// use pathway::testing::Harness;
            ///
            /// #[derive(Clone, Debug, Schema)]
            /// struct Sale {
            ///     #[schema(event_time)]
            ///     minute: i64,
            /// }
            ///
            /// let mut t = Harness::new();
            /// let sales = t.stream::<Sale>();
            /// let rows = sales.rows().watermark(0);
            /// let counts = rows.window(tumbling(60)).forget_results().reduce(|g| g.count());
            /// let counts = t.capture(counts.select(|hour, count| (hour.start, count)));
            /// sales.push([10, 50].map(|minute| Sale { minute }));
            /// t.step();
            /// counts.assert_rows([(0, 2)]);
            /// sales.push([60, 70].map(|minute| Sale { minute }));
            /// t.step();
            /// counts.assert_rows([(60, 2)]);
            /// ```
            ///
            /// # Errors
            ///
            /// Rows without a watermark are a
            /// [`BuildError::Argument`](crate::error::BuildError::Argument).
            #[track_caller]
            pub fn forget_results(mut self) -> Self {
                self.need_watermarks("forget_results", Location::caller());
                self.results_mut().forgets = true;
                self
            }
        }
    };
}
pub(super) use emission;
