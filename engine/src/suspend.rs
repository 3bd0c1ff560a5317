//! [`Engine::start`] and what follows it: calls that wait for the answer to a pending host function.

use std::sync::Arc;

use modhost_abi::{FromValue, IntoArgs, IntoValue, Value};
use modhost_backend::{Fault, Instance, Step, scope};

use crate::{
    call::{Progress, Slot, Ticket},
    engine::{Engine, Target},
    error::{Error, Result, Stage},
    host::HostError,
};

impl Engine {
    /// Calls an export that may take its time: in a [pending](crate::Builder::pending) host function the call is suspended, and this
    /// gives the [`Ticket`] that the function was given too. The call goes on when that is answered by [`Engine::resume`], on any thread
    /// and in any frame.
    ///
    /// Until then the plugin takes no other call (`host.busy`). Fuel and output are those of the whole call; the deadline counts the
    /// time that the plugin runs, not the time that it waits. Loading, hooks and [`Engine::call`] never suspend: a pending function
    /// gives `host.cannot-suspend` there, as it does where the plugin's language cannot be left in the midst of a call
    /// ([`Enforcement::suspend`](crate::Enforcement)). What never waits is done at once.
    ///
    /// ```
    /// use modhost::{Engine, HostError, HostFunction, Progress, Ticket};
    ///
    /// struct Game { wanted: Vec<(Ticket, String)> }
    ///
    /// let engine = Engine::builder()
    ///     .host(
    ///         HostFunction::pending("net.fetch", |game: &mut Game, ticket: Ticket, url: String| game.wanted.push((ticket, url)))
    ///             .returns::<String>(),
    ///     )
    ///     .build()?;
    /// let news = engine.load_source("news.lua", "
    ///     function headline()
    ///         local ok, page = pcall(net.fetch, 'https://news.example')
    ///         return if ok then page else 'no news'
    ///     end")?;
    ///
    /// let mut game = Game { wanted: Vec::new() };
    /// let Progress::Pending(ticket) = engine.start::<_, String>(&mut game, news, "headline", ())? else { unreachable!() };
    /// assert_eq!(game.wanted, [(ticket, "https://news.example".to_owned())]);
    /// // ... some frames later
    /// let done = engine.resume::<_, String>(&mut game, ticket, Ok("wolves are back"))?;
    /// assert_eq!(done, Progress::Done("wolves are back".to_owned()));
    ///
    /// // What the host cannot do is an error that the plugin can catch.
    /// let ticket = engine.start::<_, String>(&mut game, news, "headline", ())?.ticket().unwrap();
    /// let done = engine.resume::<_, String>(&mut game, ticket, Err::<String, _>(HostError::new("no route")))?;
    /// assert_eq!(done.done().as_deref(), Some("no news"));
    /// # Ok::<(), modhost::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Engine::call`].
    pub fn start<'t, S: 'static, R: FromValue>(
        &self,
        state: &mut S,
        plugin: impl Into<Target<'t>>,
        export: &str,
        args: impl IntoArgs,
    ) -> Result<Progress<R>> {
        let inner = self.inner();
        let slot = inner.slot(plugin.into())?;
        let wants = R::ty();
        let run = |instance: &mut dyn Instance| {
            let export = instance.export(export)?;
            let step = args.with_args(|args| {
                scope::lend(state, || match instance.suspending() {
                    Some(instance) => self.waitable(&slot, || instance.start(export, args, &wants)),
                    None => instance.call(export, args, &wants).map(Progress::Done),
                })
            });
            typed(step.map_err(Fault::from)??)
        };
        slot.start(&inner.watchdog, &inner.audit, run)
    }

    /// Answers the pending host function that `ticket` was given, and goes on with the call. A value is checked against the type that
    /// the function [declares](crate::HostFunction::returns) and against the plugin's limits; an error is what the function fails with,
    /// which the plugin can catch where its language can. The call may come to its end, or to the next pending function.
    ///
    /// # Errors
    /// `script.type` for an answer of another type, `limit.value` for one nested too deep, `plugin.disabled`, `limit.depth` and `host.busy` (the function has not returned yet):
    /// then the ticket is still good. `host.stale-handle` for a ticket that was answered or abandoned, whose plugin is gone, or of another
    /// engine. Else as [`Engine::call`].
    pub fn resume<S: 'static, R: FromValue>(
        &self,
        state: &mut S,
        ticket: Ticket,
        answer: Result<impl IntoValue, HostError>,
    ) -> Result<Progress<R>> {
        let inner = self.inner();
        let (slot, function) = self.waiting(ticket)?;
        let wrong = |error: modhost_abi::TypeError| Error::from_fault(Stage::Call, error.into()).of(&slot.about.name);
        let answer = match answer {
            Ok(value) => {
                let value = value.into_value().map_err(wrong)?;
                let deep = |fault| Error::from_fault(Stage::Call, fault).of(&slot.about.name);
                let value = slot.origin.ledger.shallow(value).map_err(deep)?;
                inner.tickets.check(ticket, &value).map_err(wrong)?;
                Ok(value)
            }
            Err(error) => Err(error.into_fault(function)),
        };
        let wants = R::ty();
        let run = |instance: &mut dyn Instance| {
            let Some(instance) = instance.suspending() else { return Err(Fault::bug("a call waits that cannot")) };
            typed(scope::lend(state, || self.waitable(&slot, || instance.resume(answer, &wants)))?)
        };
        slot.resume(&inner.watchdog, &inner.audit, &inner.tickets, ticket, run)
    }

    /// Ends the suspended call that waits for `ticket`. The plugin is gone, as one that [`CancelHandle`](crate::CancelHandle) has stopped:
    /// it was left somewhere in its code, and what it had begun there is never finished. Its last error is `call.interrupted`.
    ///
    /// # Errors
    /// `host.stale-handle`, and `host.busy` where the function that has the ticket has not returned yet, as for [`Engine::resume`].
    pub fn abandon(&self, ticket: Ticket) -> Result<()> {
        let inner = self.inner();
        self.waiting(ticket)?.0.abandon(&inner.watchdog, &inner.audit, &inner.tickets, ticket)
    }

    /// How many calls are suspended, and so wait for an answer.
    #[must_use]
    pub fn suspended(&self) -> usize {
        self.inner().tickets.len()
    }

    /// The plugin whose call waits for `ticket`, and the function that it waits in.
    fn waiting(&self, ticket: Ticket) -> Result<(Arc<Slot>, String)> {
        let (plugin, function) = self.inner().tickets.look(ticket).ok_or_else(|| ticket.stale())?;
        let slot = self.inner().slot(plugin.into()).map_err(|_| ticket.stale())?;
        Ok((slot, function))
    }

    /// Runs `stretch`, in which pending functions may be begun; how far the call came.
    fn waitable(&self, slot: &Slot, stretch: impl FnOnce() -> Result<Step, Fault>) -> Result<Progress<Value>, Fault> {
        let suspension = &slot.origin.suspension;
        suspension.open(slot.id);
        let step = stretch();
        let begun = suspension.close();
        let done = match step {
            Ok(Step::Suspended) => {
                let Some(ticket) = begun else {
                    return Err(Fault::bug("the backend suspended a call that waits for nothing"));
                };
                slot.waits_for(ticket);
                return Ok(Progress::Pending(ticket));
            }
            Ok(Step::Done(value)) => Ok(Progress::Done(value)),
            Err(fault) => Err(fault),
        };
        // It was begun, and then the plugin was ended before it could wait.
        if let Some(ticket) = begun {
            self.inner().tickets.take(ticket);
        }
        done
    }
}

fn typed<R: FromValue>(progress: Progress<Value>) -> Result<Progress<R>, Fault> {
    Ok(match progress {
        Progress::Done(value) => Progress::Done(R::from_value(value)?),
        Progress::Pending(ticket) => Progress::Pending(ticket),
    })
}
