//! What the roles say to each other and to clients: one file per conversation, one enum per
//! direction and phase. Variants are appended, never moved or reused.

pub mod battle_gateway;
pub mod client;
pub mod gateway_baseapp;
pub mod gateway_social;
pub mod head;
pub mod mail;
pub mod matchmaker_baseapp;
pub mod matchmaker_battle;
pub mod presence;
pub mod refusal;
pub mod replication;
pub mod snapshot;
pub mod social_battle;
pub mod social_matchmaker;

use serde::{Deserialize, Serialize};

use crate::ids::Key;

/// What a frame between two roles carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// There may be mail for a key; whoever owns it (or should) looks. Losing one delays the mail
    /// until the owner's next routine look, nothing more.
    MailWaiting(Key),
    /// Gateway to baseapp.
    ToBaseapp(gateway_baseapp::ToBaseapp),
    /// Baseapp to gateway.
    FromBaseapp(gateway_baseapp::FromBaseapp),
    /// Gateway to social.
    ToSocial(gateway_social::ToSocial),
    /// Social to gateway.
    FromSocial(gateway_social::FromSocial),
    /// Social to matchmaker.
    ToMatchmaker(social_matchmaker::ToMatchmaker),
    /// Matchmaker to social.
    FromMatchmaker(social_matchmaker::FromMatchmaker),
    /// Matchmaker to baseapp. Not sent any more: cards are replicated, see `ToPublisher`.
    CardRequest(matchmaker_baseapp::CardRequest),
    /// Baseapp to matchmaker. Only sent as an answer to an older build.
    Card(matchmaker_baseapp::Card),
    /// Matchmaker to battleapp.
    ToBattle(matchmaker_battle::ToBattle),
    /// Battleapp to matchmaker.
    FromBattle(matchmaker_battle::FromBattle),
    /// Gateway to battleapp.
    BattleInput(battle_gateway::BattleInput),
    /// Battleapp to gateway.
    BattleOutput(battle_gateway::BattleOutput),
    /// Social to battleapp.
    Rejoin(social_battle::Rejoin),
    /// Any role to the owner of an entity.
    ToPublisher(replication::ToPublisher),
    /// The owner of an entity to any role.
    ToSubscriber(replication::ToSubscriber),
}
